import os

from good import builder

try:
    child = os.fork()
except OSError:
    child = 0
graph = builder().compile()
