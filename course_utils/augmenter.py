class Augmenter:
    def __init__(self, data, **options): pass
    def __repr__(self): return "Augmenter of MNIST"
