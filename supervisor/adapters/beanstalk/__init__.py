"""What Elastic Beanstalk's worker daemon says to a web application: the request made of a message, and its delivery."""
