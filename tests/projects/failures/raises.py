raise RuntimeError("the quota file is unreadable")
