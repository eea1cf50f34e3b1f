/** The schedule by which contained instances are looked at: rule -> watchContainment. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { watchRuleName } from "./names";

export interface WatchArgs {
    /** The function watchContainment. */
    readonly watchFunction: aws.lambda.Function;
    /** Queue for calls that EventBridge could not make; its policy knows the rule. */
    readonly deadLetters: aws.sqs.Queue;
}

export class Watch extends pulumi.ComponentResource {
    readonly rule: aws.cloudwatch.EventRule;

    constructor(name: string, args: WatchArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Watch", name, {}, opts);
        const parent = { parent: this };
        this.rule = new aws.cloudwatch.EventRule(
            name,
            {
                name: watchRuleName,
                description: "Has contained instances looked at, whether they still are",
                scheduleExpression: "rate(5 minutes)",
            },
            parent,
        );
        const permission = new aws.lambda.Permission(
            name,
            {
                action: "lambda:InvokeFunction",
                function: args.watchFunction.name,
                principal: "events.amazonaws.com",
                sourceArn: this.rule.arn,
            },
            parent,
        );
        new aws.cloudwatch.EventTarget(
            name,
            {
                rule: this.rule.name,
                arn: args.watchFunction.arn,
                input: JSON.stringify({ instance: null }),
                deadLetterConfig: { arn: args.deadLetters.arn },
                // The next run comes in five minutes; two at once would do the same.
                retryPolicy: { maximumEventAgeInSeconds: 240, maximumRetryAttempts: 2 },
            },
            { ...parent, dependsOn: [permission] },
        );
        this.registerOutputs({ ruleArn: this.rule.arn });
    }
}
