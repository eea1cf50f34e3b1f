import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Inputs } from "./lib/inputs";
import { referencedBy } from "./lib/references";
import { objectOf, reveal, show, UNKNOWN, type Value } from "./lib/values";

/** AWS's limit, in seconds. */
const LONGEST = 900;

interface Config {
    /** Whether every function must reserve executions for itself. */
    requireReservedConcurrency?: boolean;
    /** Whether every function must be traced by X-Ray. */
    requireTracing?: boolean;
}

const inputs = new Inputs();

/** A function that fails leaves its event somewhere, and its time limit is somebody's decision: in an incident nothing is lost and nothing hangs. */
export const lambdaHasDeadLetterAndTimeout: ResourceValidationPolicy & StackValidationPolicy = {
    name: "lambda-has-dead-letter-and-timeout",
    description: "Every Lambda function has a place for failed events, a time limit of its own, and may run.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            requireReservedConcurrency: {
                type: "boolean",
                default: false,
                description: "Whether every function must reserve executions for itself.",
            },
            requireTracing: { type: "boolean", default: false, description: "Whether every function must be traced by X-Ray." },
        },
    },
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        if (!args.isType(aws.lambda.Function)) {
            return;
        }
        const { timeout, reservedConcurrentExecutions, tracingConfig } = reveal(args.props);
        const { requireReservedConcurrency, requireTracing } = args.getConfig<Config>();
        if (typeof timeout !== "number" || timeout < 1 || timeout > LONGEST) {
            reportViolation(
                `Lambda function "${args.name}" has timeout = ${show(timeout)}; set the seconds it may take, 1 to ${LONGEST} (AWS's default of 3 is nobody's decision).`,
            );
        }
        if (reservedConcurrentExecutions === 0) {
            reportViolation(
                `Lambda function "${args.name}" has reservedConcurrentExecutions = 0, with which AWS refuses every call of it; take that out.`,
            );
        }
        if (
            requireReservedConcurrency === true &&
            !(typeof reservedConcurrentExecutions === "number" && reservedConcurrentExecutions > 0)
        ) {
            reportViolation(`Lambda function "${args.name}" reserves no executions; set reservedConcurrentExecutions.`);
        }
        if (requireTracing === true && objectOf(tracingConfig).mode !== "Active") {
            reportViolation(`Lambda function "${args.name}" is not traced; set tracingConfig to { mode: "Active" }.`);
        }
    },
    validateStack: (args, reportViolation) => {
        const destinations = args.resources.filter((each) => each.isType(aws.lambda.FunctionEventInvokeConfig) && keepsFailures(each));
        for (const each of args.resources.filter((one) => one.isType(aws.lambda.Function))) {
            const { deadLetterConfig, name } = inputs.of(each);
            const kept = destinations.some(
                (one) =>
                    referencedBy(one, "functionName", args.resources).includes(each) ||
                    (typeof name === "string" && isNameOf(inputs.of(one).functionName, name)),
            );
            // Made by an apply, the whole of it is not known before the update.
            if (!kept && deadLetterConfig !== UNKNOWN && !isTarget(objectOf(deadLetterConfig).targetArn)) {
                reportViolation(
                    `Lambda function "${each.name}" has deadLetterConfig = ${show(deadLetterConfig)}; set targetArn to the dead-letter queue, or declare an aws.lambda.FunctionEventInvokeConfig with destinationConfig.onFailure, so that no event is lost.`,
                    each.urn,
                );
            }
        }
    },
};

function keepsFailures(config: PolicyResource): boolean {
    const destination = inputs.of(config).destinationConfig;
    return destination === UNKNOWN || isTarget(objectOf(objectOf(destination).onFailure).destination);
}

/** A function is named by its name or its ARN, with or without a version. */
function isNameOf(value: Value, name: string): boolean {
    return (
        typeof value === "string" && (value === name || value.startsWith(`${name}:`) || new RegExp(`:function:${name}(:|$)`).test(value))
    );
}

/** An ARN, also one that is not known yet: the queue is made in the same run. */
function isTarget(arn: Value): boolean {
    return arn === UNKNOWN || (typeof arn === "string" && arn.startsWith("arn:"));
}
