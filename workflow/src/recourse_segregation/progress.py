def steps(it, what):
    return it
