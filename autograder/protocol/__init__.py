"""What a kernel, the grader and the model host must say and name alike.

`wire` the frames and `line` a connection that carries them, `echo` canned answers, `model_cache` where a Hugging Face home
keeps a model, `chat_template` what a model's template makes of messages. Nothing but validated JSON crosses a socket.

Runs in all three processes. May import `errors`, `facts` and `system`. In a student's environment, and readable there.
"""
