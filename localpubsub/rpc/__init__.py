"""What speaks to clients, on one event loop: the RPCs of Google's services over gRPC, and push over HTTP.

handlers.py ──► publisher.py, subscriber.py, streaming.py, schema_service.py, iam.py, report.py     what is asked
     │                                    │
answering.py (errors, commits)        core.py ──► waiting.py, committing.py                        what they share
                                          │
                                      pushing.py                                                   what is sent unasked
"""
