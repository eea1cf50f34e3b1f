import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { objectOf, reveal, show, type Value } from "./lib/values";

/** AWS's limit, in seconds. */
const LONGEST = 900;

/** A function that fails leaves its event somewhere, and its time limit is somebody's decision: in an incident nothing is lost and nothing hangs. */
export const lambdaHasDeadLetterAndTimeout: ResourceValidationPolicy = {
    name: "lambda-has-dead-letter-and-timeout",
    description: "Every Lambda function has a dead-letter target and a time limit of its own.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!args.isType(aws.lambda.Function)) {
            return;
        }
        const { timeout, deadLetterConfig } = reveal(args.props);
        if (typeof timeout !== "number" || timeout < 1 || timeout > LONGEST) {
            reportViolation(
                `Lambda function "${args.name}" has timeout = ${show(timeout)}; set the seconds it may take, 1 to ${LONGEST} (AWS's default of 3 is nobody's decision).`,
            );
        }
        if (!isTarget(objectOf(deadLetterConfig).targetArn)) {
            reportViolation(
                `Lambda function "${args.name}" has deadLetterConfig = ${show(deadLetterConfig)}; set targetArn to the dead-letter queue, so that no event is lost.`,
            );
        }
    },
};

/** An ARN, also one that is not known yet: the queue is made in the same run. */
function isTarget(arn: Value): boolean {
    return typeof arn === "symbol" || (typeof arn === "string" && arn.startsWith("arn:"));
}
