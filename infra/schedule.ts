/** What is done once a day: one rule, which calls a function with an input of ours and leaves in a queue what it could not be given. */
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** @param input what the function is called with */
export function callDaily(
    name: string,
    target: aws.lambda.Function,
    input: object,
    deadLetters: aws.sqs.Queue,
    opts: pulumi.CustomResourceOptions,
): aws.cloudwatch.EventRule {
    const rule = new aws.cloudwatch.EventRule(
        name,
        // Named by its function: a queue's policy admits it by this name, before it is made.
        {
            name: target.name.apply((functionName) => `${functionName}-daily`),
            description: "Once a day",
            scheduleExpression: "rate(1 day)",
        },
        opts,
    );
    const permission = new aws.lambda.Permission(
        name,
        { action: "lambda:InvokeFunction", function: target.name, principal: "events.amazonaws.com", sourceArn: rule.arn },
        opts,
    );
    new aws.cloudwatch.EventTarget(
        name,
        { rule: rule.name, arn: target.arn, input: JSON.stringify(input), deadLetterConfig: { arn: deadLetters.arn } },
        { ...opts, dependsOn: [permission] },
    );
    return rule;
}
