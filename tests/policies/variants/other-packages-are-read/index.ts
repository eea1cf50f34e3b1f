import * as aws from "@pulumi/aws";

// Whoever can write to that bucket decides what is deployed.
new aws.cloudformation.Stack("landing-zone", { templateUrl: "https://templates.s3.eu-west-1.amazonaws.com/landing-zone.json" });
