"""The ECS task-protection endpoint for many callers: each process claims for itself, and only the supervisor asks ECS.

arbitration    puts the parts together; it and `heard` are what others need
endpoint       the agent's own contract on the wire: request reads a body, answers writes one
verdict        what somebody is told who asks for protection
claims         who claims; strangers claim together; watch sees their end
callers        finds the process at the other end of a connection, through inodes
heard          what the agent has told the supervisor, which callers are told again
passthrough    everything else that the agent can be asked
"""
