"""Shared code of the course: data, models, training, evidence and plots.

Import from the modules (`from course_utils.data import load_mnist`); nothing is re-exported here, so that
`import course_utils.data` stays quick and does not load TensorFlow.
"""
