"""Answers of the task-protection endpoint in the shapes of amazon-ecs-agent 1.105.1; T is the task's ARN.

A row is: what happened, status, content type, body, then what the client makes of it. Messages of ECS that
could not be recorded are made up; the last rows of both tables are what others than the agent might say.
"""

from __future__ import annotations

from supervisor.core.events import Refusal

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

OK = '{"protection":{"ExpirationDate":"2026-11-22T18:00:07.947Z","ProtectionEnabled":true,"TaskArn":"T"}}'
OFF = '{"protection":{"ExpirationDate":null,"ProtectionEnabled":false,"TaskArn":"T"}}'


REFUSALS = [
    (
        "deployment blocked",
        200,
        JSON,
        '{"failure":{"Arn":"T","Detail":null,"Reason":"DEPLOYMENT_BLOCKED"}}',
        Refusal.BLOCKED,
        "DEPLOYMENT_BLOCKED",
        "desired count",
    ),
    (
        "task not valid",
        200,
        JSON,
        '{"failure":{"Arn":"T","Detail":null,"Reason":"TASK_NOT_VALID"}}',
        Refusal.NOT_A_SERVICE_TASK,
        "TASK_NOT_VALID",
        "service",
    ),
    (
        "missing",
        200,
        JSON,
        '{"failure":{"Arn":"T","Detail":null,"Reason":"MISSING"}}',
        Refusal.TRY_AGAIN,
        "MISSING",
        "does not know",
    ),
    (
        "a future reason with detail",
        200,
        JSON,
        '{"failure":{"Arn":"T","Detail":"a detail text","Reason":"SOME_FUTURE_REASON"}}',
        Refusal.TRY_AGAIN,
        "SOME_FUTURE_REASON",
        "a detail text",
    ),
    (
        "malformed request",
        400,
        JSON,
        '{"error":{"Code":"InvalidParameterException",'
        '"Message":"UpdateTaskProtection: failed to decode request"}}',
        Refusal.TRY_AGAIN,
        "InvalidParameterException",
        "failed to decode",
    ),
    (
        "ProtectionEnabled missing",
        400,
        JSON,
        '{"error":{"Arn":"T","Code":"InvalidParameterException",'
        '"Message":"Invalid request: does not contain \'ProtectionEnabled\' field"}}',
        Refusal.TRY_AGAIN,
        "InvalidParameterException",
        "bug",
    ),
    (
        "invalid parameter for ECS",
        400,
        JSON,
        '{"requestID":"00000000-0000-4000-8000-000000000021","error":{"Arn":"T",'
        '"Code":"InvalidParameterException","Message":"out of range"}}',
        Refusal.TRY_AGAIN,
        "InvalidParameterException",
        "out of range",
    ),
    *(
        (
            f"{code} of ECS",
            400,
            JSON,
            '{"requestID":"00000000-0000-4000-8000-000000000022","error":{"Arn":"T",'
            f'"Code":"{code}","Message":"says ECS"}}}}',
            Refusal.TRY_AGAIN,
            code,
            "says ECS",
        )
        for code in (
            "ClientException",
            "ResourceNotFoundException",
            "ClusterNotFoundException",
            "UnsupportedFeatureException",
        )
    ),
    (
        "IAM denied",
        400,
        JSON,
        '{"requestID":"00000000-0000-4000-8000-000000000023","error":{"Arn":"T",'
        '"Code":"AccessDeniedException","Message":"User: arn:aws:sts::111122223333:assumed-role/worker/1 '
        'is not authorized to perform: ecs:UpdateTaskProtection on resource: T"}}',
        Refusal.NOT_ALLOWED,
        "AccessDeniedException",
        "taskRoleArn, not executionRoleArn",
    ),
    (
        "expired token",
        400,
        JSON,
        '{"requestID":"00000000-0000-4000-8000-000000000024","error":{"Arn":"T",'
        '"Code":"ExpiredTokenException","Message":"The security token included in the request is expired"}}',
        Refusal.TRY_AGAIN,
        "ExpiredTokenException",
        "credentials",
    ),
    (
        "unrecognized client",
        400,
        JSON,
        '{"requestID":"00000000-0000-4000-8000-000000000025","error":{"Arn":"T",'
        '"Code":"UnrecognizedClientException","Message":"The security token is invalid"}}',
        Refusal.TRY_AGAIN,
        "UnrecognizedClientException",
        "credentials",
    ),
    (
        "no role credentials",
        403,
        JSON,
        '{"error":{"Arn":"T","Code":"AccessDeniedException",'
        '"Message":"Invalid Request: no task IAM role credentials available for task"}}',
        Refusal.TRY_AGAIN,
        "AccessDeniedException",
        "either the task definition names no taskRoleArn",
    ),
    (
        "unknown endpoint id",
        404,
        JSON,
        '{"error":{"Code":"ResourceNotFoundException","Message":"Failed to find a task for the request"}}',
        Refusal.TRY_AGAIN,
        "ResourceNotFoundException",
        "ECS_AGENT_URI",
    ),
    (
        "throttled",
        400,
        JSON,
        '{"requestID":"00000000-0000-4000-8000-000000000026","error":{"Arn":"T",'
        '"Code":"ThrottlingException","Message":"Rate exceeded"}}',
        Refusal.TRY_AGAIN,
        "ThrottlingException",
        "how often",
    ),
    (
        "limiter of the agent",
        429,
        TEXT,
        "You have reached maximum request limit.",
        Refusal.TRY_AGAIN,
        "Http429",
        "40 requests",
    ),
    ("no such path", 404, TEXT, "404 page not found\n", Refusal.TRY_AGAIN, "Http404", "1.65.0"),
    ("method not allowed", 405, "", "", Refusal.TRY_AGAIN, "Http405", "not the ECS agent"),
    ("forbidden by somebody else", 403, "text/html", "<html>", Refusal.TRY_AGAIN, "Http403", "accepted"),
]


OPEN_OUTCOMES = [
    (
        "throttled until the agent gave up",
        504,
        JSON,
        '{"error":{"Arn":"T","Code":"RequestCanceled",'
        '"Message":"Timed out calling ECS Task Protection API"}}',
        "Timed out calling ECS",
    ),
    (
        "server error of ECS",
        500,
        JSON,
        '{"requestID":"00000000-0000-4000-8000-000000000034","error":{"Arn":"T","Code":"ServerException",'
        '"Message":"Service Unavailable. Please try again later."}}',
        "Service Unavailable",
    ),
    (
        "two failures",
        500,
        JSON,
        '{"error":{"Arn":"T","Code":"ServerException","Message":"Unexpected error occurred"}}',
        "Unexpected error",
    ),
    (
        "no metadata of the task",
        500,
        JSON,
        '{"error":{"Code":"ServerException","Message":"Failed to generate metadata"}}',
        "ServerException",
    ),
    (
        "something other than JSON from ECS",
        500,
        JSON,
        '{"error":{"Arn":"T","Code":"ServerException","Message":"operation error ECS: UpdateTaskProtection, '
        "exceeded maximum number of attempts, 3, https response error StatusCode: 503, RequestID: 1, "
        "deserialization failed, failed to decode response body, invalid character '\\u003c' looking for "
        'beginning of value"}}',
        "StatusCode: 503",
    ),
    (
        "ECS refuses the connection",
        500,
        JSON,
        '{"error":{"Arn":"T","Code":"ServerException","Message":"operation error ECS: UpdateTaskProtection, '
        "exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request "
        'send failed, Post \\"https://ecs.eu-west-1.amazonaws.com/\\": connect: connection refused"}}',
        "connection refused",
    ),
    ("a page instead of an answer", 200, "text/html", "<html>hello</html>", "text/html"),
    ("nothing at all", 200, "", "", "0 bytes"),
    ("not protected although asked", 200, JSON, OFF, "ProtectionEnabled is False"),
]
