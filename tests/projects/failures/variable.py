import os

KEY = os.environ["FAILURES_API_KEY"]
