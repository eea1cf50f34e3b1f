import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Inputs } from "./lib/inputs";
import { referencedBy } from "./lib/references";
import { objectOf, reveal, show } from "./lib/values";

/** Days that a log is kept at least: the time in which people come back to an incident. */
const LEAST = 30;

interface Config {
    /** Days that a log is kept at least. */
    leastDays?: number;
}

const inputs = new Inputs();

/** Logs are kept for a time that somebody decided: long enough to look an incident up, and not for ever by accident. */
export const logGroupRetains: ResourceValidationPolicy & StackValidationPolicy = {
    name: "log-group-retains",
    description: `Every log group keeps its events for a stated number of days, at least ${LEAST}, and every function has one.`,
    enforcementLevel: "mandatory",
    configSchema: {
        properties: { leastDays: { type: "integer", minimum: 1, default: LEAST, description: "Days that a log is kept at least." } },
    },
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        if (!args.isType(aws.cloudwatch.LogGroup)) {
            return;
        }
        const { retentionInDays } = reveal(args.props);
        const least = args.getConfig<Config>().leastDays ?? LEAST;
        // 0 and absent both mean "for ever".
        if (typeof retentionInDays !== "number" || retentionInDays < least) {
            reportViolation(
                `Log group "${args.name}" has retentionInDays = ${show(retentionInDays)}; set the days to keep events, at least ${least}.`,
            );
        }
    },
    /** Where the policy's level is `remediate`: a log group without a number of days gets the least one. A number somebody wrote stays theirs. */
    remediateResource: (args) => {
        if (args.isType(aws.cloudwatch.LogGroup) && !reveal(args.props).retentionInDays) {
            args.props.retentionInDays = args.getConfig<Config>().leastDays ?? LEAST;
            return args.props;
        }
        return undefined;
    },
    validateStack: (args, reportViolation) => {
        const groups = args.resources.filter((each) => each.isType(aws.cloudwatch.LogGroup));
        for (const each of args.resources.filter((one) => one.isType(aws.lambda.Function))) {
            if (
                !groups.some((group) => belongsTo(group, each, args.resources)) &&
                objectOf(inputs.of(each).loggingConfig).logGroup === undefined
            ) {
                const { name } = inputs.of(each);
                reportViolation(
                    `Lambda function "${each.name}" has no log group in this program, so AWS makes one that keeps its events for ever; declare an aws.cloudwatch.LogGroup named "/aws/lambda/${typeof name === "string" ? name : "…"}" with retentionInDays.`,
                    each.urn,
                );
            }
        }
    },
};

/** Whether a log group is a function's: by the name that Lambda writes to, or made from the function's name. */
function belongsTo(group: PolicyResource, owner: PolicyResource, stack: readonly PolicyResource[]): boolean {
    const [{ name: groupName }, { name }] = [inputs.of(group), inputs.of(owner)];
    return (typeof name === "string" && groupName === `/aws/lambda/${name}`) || referencedBy(group, "name", stack).includes(owner);
}
