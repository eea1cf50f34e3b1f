import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { accountOf } from "./lib/accounts";
import { contentsOf } from "./lib/carried";
import { ownershipFor } from "./lib/ownership";
import { deferWhereUnknown } from "./lib/unknown";

/** Packages whose resources reach nothing outside the program, or are read like AWS's own. */
const READ = new Set(["aws", "aws-native", "awsx", "pulumi", "random", "tls", "time", "std"]);

interface Config {
    /** Other packages that somebody has looked at. */
    allowedPackages?: string[];
}

/** A policy that judges `aws.ec2.NatGateway` is of no use where the same gateway comes by CloudFormation, Cloud Control or another package. */
export const otherPackagesAreRead: ResourceValidationPolicy = {
    name: "other-packages-are-read",
    description:
        "Everything is declared in a way that the policies can read: no unknown package, no template or type that they cannot see into.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            allowedPackages: {
                type: "array",
                items: { type: "string" },
                description: "Names of Pulumi packages that somebody has looked at.",
            },
        },
    },
    validateResource: (args, reportViolation) => {
        const { allowedPackages = [] } = args.getConfig<Config>();
        const [name] = args.type.split(":");
        if (!READ.has(name) && !allowedPackages.includes(name) && !isComponent(args)) {
            reportViolation(
                `"${args.name}" (${args.type}) is of the package "${name}", which this pack cannot judge. Declare it with @pulumi/aws, or, if it can reach nothing of the clean room, ` +
                    `add "${name}" to allowedPackages of the policy other-packages-are-read.`,
            );
        }
        const contents = contentsOf(args, accountOf(args) ?? ownershipFor(args).keeper ?? "");
        for (const problem of contents?.problems ?? []) {
            reportViolation(`"${args.name}" (${args.type}) ${problem}.`);
        }
        for (const property of contents?.waiting ?? []) {
            deferWhereUnknown((args.props as Record<string, unknown>)[property]);
        }
    },
};

/**
 * Whether a resource is a component of the program: it makes nothing itself, and what it groups is judged one by one. The engine gives a provider
 * to everything else. A component of this project's own package may have inputs.
 */
function isComponent({ type, urn, provider, props }: ResourceValidationArgs): boolean {
    const [, , , project] = urn.split(/::?/);
    const [name] = type.split(":");
    return provider === undefined && (name === project || name === "ec2-clean-room" || Object.keys(props).length === 0);
}
