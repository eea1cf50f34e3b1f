import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { announcedEstate, type Estate } from "./lib/estate";
import { centralWay, forwardingWay, type Way } from "./lib/findingWays";
import { Inputs } from "./lib/inputs";
import { EstateStack } from "./lib/estateStack";
import { listOf } from "./lib/values";

const inputs = new Inputs();

/**
 * Every configured account and Region is watched, heard and within reach: GuardDuty is on there (made here, auto-enabled by the delegated
 * administrator, or adopted by name), its findings have a way to the topic, and the responder role stands. A way is a structure: rules whose patterns
 * let every EC2 finding pass, enabled, on the right bus, with a target, and leave to put events where they go. What is configured is what the program
 * announces before it declares anything, so that a pair which it then forgets is seen.
 */
export const coverageInEveryRegion: ResourceValidationPolicy & StackValidationPolicy = {
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
        const stack = new EstateStack(args.resources, inputs);
        const problems: string[] = [];
        const ways: Way[] = [];
        for (const member of estate.members) {
            for (const region of member.regions) {
                const way = member.forwards ? forwardingWay(stack, estate, member.accountId, region) : undefined;
                ways.push(...(way === undefined ? [] : [way]));
                const found = [...memberProblems(estate, member, region, stack), ...(way?.problem === undefined ? [] : [way.problem])];
                problems.push(...found.map((problem) => `Account ${member.accountId} in ${region} is not covered: ${problem}.`));
            }
        }
        for (const region of estate.regions) {
            const found = centralProblems(estate, region, stack, busesOf(estate, region, ways));
            problems.push(...found.map((problem) => `Region ${region} is not covered: ${problem}.`));
        }
        problems.forEach((problem) => reportViolation(problem));
    },
};

/** Buses of the forensics account that findings of a Region arrive on: the default one where GuardDuty itself brings them, and those that members forward to. */
function busesOf(estate: Estate, region: string, ways: readonly Way[]): string[] {
    const forwarded = ways.filter((way) => way.region === region).flatMap(({ bus }) => bus ?? []);
    return [...new Set([...(estate.mode === "organization" || forwarded.length === 0 ? ["default"] : []), ...forwarded])];
}

/** What the forensics account lacks in a Region. */
function centralProblems(estate: Estate, region: string, stack: EstateStack, buses: string[]): string[] {
    const account = estate.forensicsAccountId;
    const problems = buses.flatMap((bus) => centralWay(stack, estate, region, bus) ?? []);
    if (estate.mode === "organization") {
        if (!estate.existingRegions.includes(region) && !isDetected(stack, account, region)) {
            problems.push(
                `the delegated administrator ${account} has no enabled detector; declare an aws.guardduty.Detector, or name the Region in coverage.existingRegions`,
            );
        }
        if (
            !stack
                .find(aws.guardduty.OrganizationConfiguration, account, region)
                .some(({ props }) => props.autoEnableOrganizationMembers === "ALL")
        ) {
            problems.push(
                `GuardDuty is not switched on for all accounts; declare an aws.guardduty.OrganizationConfiguration with autoEnableOrganizationMembers "ALL"`,
            );
        }
    }
    // Where no account forwards, only the responder role comes by the StackSet, which is global.
    if (
        estate.hasOrganization &&
        (estate.organizationForwards || region === estate.homeRegion) &&
        !stack.find(aws.cloudformation.StackInstances, account).some(({ props }) => listOf(props.regions).includes(region))
    ) {
        problems.push(`the StackSet with the responder role is not deployed there; name ${region} in aws.cloudformation.StackInstances`);
    }
    return problems;
}

/** What a listed account lacks in a Region, beside the way of its findings. */
function memberProblems(estate: Estate, member: Estate["members"][number], region: string, stack: EstateStack): string[] {
    const problems: string[] = [];
    if (member.mode === "standalone" && !estate.existingRegions.includes(region) && !isDetected(stack, member.accountId, region)) {
        problems.push("it has no enabled detector; declare an aws.guardduty.Detector, or name the Region in coverage.existingRegions");
    }
    if (stack.find(aws.iam.Role, member.accountId).every(({ props }) => props.name !== "clean-room-responder")) {
        problems.push(`nobody could contain an instance; declare the role "clean-room-responder"`);
    }
    return problems;
}

function isDetected(stack: EstateStack, accountId: string, region: string): boolean {
    return stack.find(aws.guardduty.Detector, accountId, region).some(({ props }) => props.enable === undefined || props.enable === true);
}
