import sys

from good import builder

for _ in range(3000):
    print("starting up " * 90)
    print("warning " * 20, file=sys.stderr)
graph = builder().compile()
