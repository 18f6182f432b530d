"""The lab's EC2 API: `keepapart lab up WORLD --api ec2`. Its instances are the lab's own guests.

moto answers; what it lacks is added in the shapes of botocore's model. One file a subject:

=============  =====================================================================================
`process`      starts the API beside a lab, for exactly as long as the lab lives
`__main__`     that process: binds to loopback, and ends when whoever started it does
`web`          HTTP: moto's server, behind the fault layer and its control endpoint
`faults`       what goes wrong, when; `Control` arms it from elsewhere: tests, campaigns, a terminal
`api`          the actions: moto's own, and those that it lacks or gets wrong
`placement`    the actions on placement groups, and instance topology
`backend`      what there is: instances, launch tokens, placement groups, and what faults hide of them
`instance`     an instance that is a lab guest
`groups`       placement groups, and which racks they leave for the next instance
=============  =====================================================================================
"""
