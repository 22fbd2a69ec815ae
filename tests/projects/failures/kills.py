import os
import signal
import threading

os.kill(os.getppid(), signal.SIGKILL)
threading.Event().wait()
