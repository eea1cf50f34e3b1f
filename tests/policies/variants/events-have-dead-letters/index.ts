import * as aws from "@pulumi/aws";

// The queue keeps what the function refuses; what SNS cannot hand to the function at all is lost.
new aws.sns.TopicSubscription("findings", {
    topic: "arn:aws:sns:eu-west-1:111111111111:clean-room-findings",
    protocol: "lambda",
    endpoint: "arn:aws:lambda:eu-west-1:111111111111:function:start-incident",
    redrivePolicy: JSON.stringify({ maxReceiveCount: 3 }),
});
