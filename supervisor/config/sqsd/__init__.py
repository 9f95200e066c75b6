"""What `sqsd` is told: its options under Elastic Beanstalk's names, and the settings they make."""
