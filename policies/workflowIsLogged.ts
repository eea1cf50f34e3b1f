import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { announcedEstate } from "./lib/estate";
import { Inputs } from "./lib/inputs";
import { isInCleanRoom } from "./lib/location";
import { referencedBy } from "./lib/references";
import { objectOf, reveal, show } from "./lib/values";

const inputs = new Inputs();

/** What was done in an incident, and what moved in the clean room, can be looked up afterwards. */
export const workflowIsLogged: ResourceValidationPolicy & StackValidationPolicy = {
    name: "workflow-is-logged",
    description: "Every state machine logs its executions, and every clean room of the program its network flows.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        if (!args.isType(aws.sfn.StateMachine)) {
            return;
        }
        const { level, logDestination } = objectOf(reveal(args.props).loggingConfiguration);
        if (!["ALL", "ERROR", "FATAL"].includes(level as string) || logDestination === undefined) {
            reportViolation(
                `State machine "${args.name}" logs ${show(level ?? "nothing")} to ${show(logDestination ?? "nowhere")}; set loggingConfiguration.level ("ALL", at least "FATAL") and logDestination.`,
            );
        }
    },
    validateStack: (args, reportViolation) => {
        // Whoever announces no estate builds a part by itself, such as a network for somebody else to log.
        if (typeof announcedEstate(args.resources) === "string") {
            return;
        }
        const logged = new Set(
            args.resources.filter((each) => each.isType(aws.ec2.FlowLog)).flatMap((log) => referencedBy(log, "vpcId", args.resources)),
        );
        for (const vpc of args.resources.filter((each) => each.isType(aws.ec2.Vpc))) {
            if (isInCleanRoom(vpc, args.resources) && !logged.has(vpc)) {
                reportViolation(`VPC "${vpc.name}" is a clean room without flow logs; declare an aws.ec2.FlowLog with its vpcId.`, vpc.urn);
            }
        }
    },
};
