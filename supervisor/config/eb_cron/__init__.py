"""Elastic Beanstalk's cron.yaml: read, checked, and turned into schedules of EventBridge Scheduler."""
