"""Topics, subscriptions and schemas as a file declares them.

topics.yaml ──► declaration ──► resources ──► applying (`vedette topics apply`)
                                    └──► pipelines/pubsub.py, for what a pipeline finds missing on a local server
"""
