import * as aws from "@pulumi/aws";
import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { accountOf } from "./lib/accounts";
import { announcedEstate, type Estate } from "./lib/estate";
import { Inputs } from "./lib/inputs";
import { listOf, type Properties } from "./lib/values";

const inputs = new Inputs();

/**
 * Every configured account and Region is watched, heard and within reach: GuardDuty is on there (made here, auto-enabled by the delegated
 * administrator, or adopted by name), its findings have a way to the topic, and the responder role stands. What is configured is what the program
 * announces before it declares anything, so that a pair which it then forgets is seen.
 */
export const coverageInEveryRegion: StackValidationPolicy & { validateResource: typeof inputs.remember } = {
    name: "coverage-in-every-region",
    description: "Every configured account and Region has GuardDuty, a way for its findings, and the responder role.",
    enforcementLevel: "mandatory",
    validateResource: inputs.remember,
    validateStack: (args, reportViolation) => {
        const estate = announcedEstate(args.resources);
        if (estate === "unannounced") {
            reportViolation(
                'The program does not announce which accounts and Regions are to be covered; register the output "estate" of its component ec2-clean-room:index:Accounts.',
            );
        }
        if (typeof estate === "string") {
            return;
        }
        const stack = new Stack(args.resources);
        for (const region of estate.regions) {
            for (const problem of centralProblems(estate, region, stack)) {
                reportViolation(`Region ${region} is not covered: ${problem}.`);
            }
        }
        for (const member of estate.members) {
            for (const region of member.regions) {
                for (const problem of memberProblems(estate, member, region, stack)) {
                    reportViolation(`Account ${member.accountId} in ${region} is not covered: ${problem}.`);
                }
            }
        }
    },
};

/** The stack's resources by what they are, where they are and whose. */
class Stack {
    constructor(private readonly resources: readonly PolicyResource[]) {}

    /** Inputs of the resources of a class in an account and Region; IAM, which is global, has no Region. */
    find(resourceClass: Parameters<PolicyResource["isType"]>[0], accountId: string, region?: string): Properties[] {
        return this.resources
            .filter((each) => each.isType(resourceClass) && accountOf(each) === accountId)
            .map((each) => inputs.of(each))
            .filter((props) => region === undefined || props.region === region);
    }
}

/** What the forensics account lacks in a Region. */
function centralProblems(estate: Estate, region: string, stack: Stack): string[] {
    const problems: string[] = [];
    const account = estate.forensicsAccountId;
    if (!takesFindings(stack, account, region)) {
        problems.push(
            `no enabled rule of account ${account} takes GuardDuty's findings from the event bus there; declare a clean room for ${region}`,
        );
    }
    if (estate.mode === "organization") {
        if (!estate.existingRegions.includes(region) && !isDetected(stack, account, region)) {
            problems.push(
                `the delegated administrator ${account} has no enabled detector; declare an aws.guardduty.Detector, or name the Region in coverage.existingRegions`,
            );
        }
        if (
            !stack
                .find(aws.guardduty.OrganizationConfiguration, account, region)
                .some((props) => props.autoEnableOrganizationMembers === "ALL")
        ) {
            problems.push(
                `GuardDuty is not switched on for all accounts; declare an aws.guardduty.OrganizationConfiguration with autoEnableOrganizationMembers "ALL"`,
            );
        }
    }
    if (
        estate.hasOrganization &&
        !stack.find(aws.cloudformation.StackInstances, account).some((props) => listOf(props.regions).includes(region))
    ) {
        problems.push(`the StackSet with the responder role is not deployed there; name ${region} in aws.cloudformation.StackInstances`);
    }
    return problems;
}

/** What a listed account lacks in a Region. */
function memberProblems(estate: Estate, member: Estate["members"][number], region: string, stack: Stack): string[] {
    const problems: string[] = [];
    if (member.mode === "standalone" && !estate.existingRegions.includes(region) && !isDetected(stack, member.accountId, region)) {
        problems.push("it has no enabled detector; declare an aws.guardduty.Detector, or name the Region in coverage.existingRegions");
    }
    if (member.forwards && !takesFindings(stack, member.accountId, region)) {
        problems.push("no enabled rule forwards GuardDuty's findings; declare an aws.cloudwatch.EventRule");
    }
    if (stack.find(aws.iam.Role, member.accountId).every((props) => props.name !== "clean-room-responder")) {
        problems.push(`nobody could contain an instance; declare the role "clean-room-responder"`);
    }
    return problems;
}

function isDetected(stack: Stack, accountId: string, region: string): boolean {
    return stack.find(aws.guardduty.Detector, accountId, region).some((props) => props.enable !== false);
}

function takesFindings(stack: Stack, accountId: string, region: string): boolean {
    return stack
        .find(aws.cloudwatch.EventRule, accountId, region)
        .some(
            (props) =>
                typeof props.eventPattern === "string" &&
                props.eventPattern.includes(`"aws.guardduty"`) &&
                props.state !== "DISABLED" &&
                props.isEnabled !== false,
        );
}
