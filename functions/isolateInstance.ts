/**
 * Contains the instance: reads it once, writes the restore record, keeps it alive, cuts its network, and reads back.
 *
 * A sub-step that fails is recorded and the rest is still done; only an interface that is not isolated at the end makes
 * the step fail. Run again after a crash it goes on where it stopped: the plan is made from the state as it is, and the
 * first restore record stands.
 */
import { z } from "zod";
import { ensureContainmentGroups, hasNoRules } from "./aws/containment/containmentGroups";
import { perform } from "./aws/containment/actions";
import { readInstance } from "./aws/containment/readInstance";
import { environment } from "./aws/environment";
import { isTransient, StepError, TransientError } from "./aws/errors";
import { getJson, putJson } from "./aws/evidenceBucket";
import { log, step } from "./aws/handler";
import { assumeResponder, ec2Arn, readEvidence, writeEvidence } from "./aws/permissions";
import type { Permissions } from "./aws/permissions";
import { containmentSchema, incidentSchema } from "./domain/containers";
import type { ContainmentStep, InstanceRef } from "./domain/containers";
import { instanceStateSchema } from "./domain/instanceState";
import { describeAction, planContainment, uncontainedInterfaces } from "./domain/planContainment";
import type { ContainmentAction, CredentialsMode } from "./domain/planContainment";

export const permissions: Permissions = (names) => [
    ...assumeResponder(names),
    ...writeEvidence("restore-record.json")(names),
    ...readEvidence("restore-record.json")(names),
];

/** In the member account. Describe calls and DescribeTargetHealth have no resource-level permissions. */
export const memberPermissions: Permissions = (names) => [
    {
        Sid: "ReadInstance",
        Effect: "Allow",
        Action: [
            "ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints",
            "autoscaling:DescribeAutoScalingInstances", "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeLoadBalancers",
        ],
        Resource: ["*"],
    },
    { Sid: "ReadInstanceAttributes", Effect: "Allow", Action: ["ec2:DescribeInstanceAttribute"], Resource: [ec2Arn(names, "instance/*")] },
    { Sid: "KeepInstance", Effect: "Allow", Action: ["ec2:ModifyInstanceAttribute"], Resource: [ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")] },
    { Sid: "DisableMetadataEndpoint", Effect: "Allow", Action: ["ec2:ModifyInstanceMetadataOptions"], Resource: [ec2Arn(names, "instance/*")] },
    { Sid: "FindRoleOfInstance", Effect: "Allow", Action: ["iam:GetInstanceProfile"], Resource: [`arn:${names.partition}:iam::${names.accountId}:instance-profile/*`] },
    { Sid: "DenyCredentialsOfInstance", Effect: "Allow", Action: ["iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy"], Resource: [`arn:${names.partition}:iam::${names.accountId}:role/*`] },
    // Who can write a role's policy can give it anything: never to the responder itself.
    { Sid: "NeverOwnPolicies", Effect: "Deny", Action: ["iam:PutRolePolicy", "iam:DeleteRolePolicy"], Resource: [`arn:${names.partition}:iam::${names.accountId}:role/clean-room-*`] },
    { Sid: "SwapGroups", Effect: "Allow", Action: ["ec2:ModifyNetworkInterfaceAttribute"], Resource: [ec2Arn(names, "network-interface/*"), ec2Arn(names, "security-group/*"), ec2Arn(names, "instance/*")] },
    { Sid: "MakeContainmentGroups", Effect: "Allow", Action: ["ec2:CreateSecurityGroup"], Resource: [ec2Arn(names, "security-group/*"), ec2Arn(names, "vpc/*")] },
    { Sid: "TagContainmentGroups", Effect: "Allow", Action: ["ec2:CreateTags"], Resource: [ec2Arn(names, "security-group/*")], Condition: { StringEquals: { "ec2:CreateAction": "CreateSecurityGroup" } } },
    {
        Sid: "SetRulesOfContainmentGroups",
        Effect: "Allow",
        Action: ["ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"],
        Resource: [ec2Arn(names, "security-group/*")],
        Condition: { StringEquals: { "aws:ResourceTag/clean-room:role": ["isolation", "untrack"] } },
    },
    { Sid: "LeaveAutoScalingGroup", Effect: "Allow", Action: ["autoscaling:DetachInstances", "autoscaling:EnterStandby"], Resource: [`arn:${names.partition}:autoscaling:${names.region}:${names.accountId}:autoScalingGroup:*:autoScalingGroupName/*`] },
    { Sid: "LeaveLoadBalancers", Effect: "Allow", Action: ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:DeregisterInstancesFromLoadBalancer"], Resource: [`arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:targetgroup/*`, `arn:${names.partition}:elasticloadbalancing:${names.region}:${names.accountId}:loadbalancer/*`] },
];

/** How far the credentials are cut, as deployed. */
function credentialsMode(): CredentialsMode {
    return z.enum(["deny-instance", "revoke-role", "keep"]).parse(environment("CONTAIN_CREDENTIALS"));
}

/** Does one action. A failure is an outcome, not an exception: the rest must still be done. */
async function attempt(action: ContainmentAction, ref: InstanceRef, incidentId: string): Promise<{ step: ContainmentStep; error: unknown }> {
    const { name, detail } = describeAction(action);
    try {
        const note = await perform(action, ref, incidentId);
        return { step: { name, outcome: "done", at: new Date().toISOString(), detail: note ? `${detail}; ${note}` : detail }, error: null };
    } catch (error) {
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log("a containment action failed", { action: name, detail, why });
        return { step: { name, outcome: "failed", at: new Date().toISOString(), detail: `${detail}: ${why}` }, error };
    }
}

export const handler = step({
    name: "IsolateInstance",
    input: z.object({ incident: incidentSchema }),
    output: containmentSchema,
    run: async ({ incident }) => {
        const startedAt = new Date().toISOString();
        const { incidentId, instance } = incident;
        const state = await readInstance(instance, incidentId);
        const steps: ContainmentStep[] = [];
        const errors: unknown[] = [];

        // The record is written before anything changes, and never over the record of a first run.
        const recordKey = `${incident.prefix}restore-record.json`;
        const [groups, record] = await Promise.all([
            ensureContainmentGroups(instance, incidentId, state.vpcId),
            putJson(recordKey, state, { onlyIfAbsent: true }),
        ]);
        const before = record.written ? state : (await getJson(recordKey, instanceStateSchema))!.value;

        for (const stage of planContainment(state, groups, credentialsMode())) {
            for (const { step: done, error } of await Promise.all(stage.map((action) => attempt(action, instance, incidentId)))) {
                steps.push(done);
                if (error) errors.push(error);
            }
        }

        const [after, ruleless] = await Promise.all([readInstance(instance, incidentId), hasNoRules(instance, incidentId, groups.isolation)]);
        const open = uncontainedInterfaces(after.interfaces, groups.isolation);
        if (open.length > 0 || !ruleless || after.interfaces.length === 0) {
            // Asking again may help where AWS was busy; the plan then starts from what is left.
            if (errors.some(isTransient)) throw new TransientError(`${instance.instanceId} is not contained yet: ${open.join(", ")} still open`);
            const failed = steps.filter((each) => each.outcome === "failed").map((each) => `${each.name} (${each.detail})`).join("; ");
            throw new StepError(
                "The instance is NOT contained",
                `${instance.instanceId} in ${instance.accountId}/${instance.region}`,
                `${open.length > 0 ? `Interfaces still open: ${open.join(", ")}. ` : ""}${ruleless ? "" : `The isolation group ${groups.isolation} has rules; remove them. `}${failed ? `Failed: ${failed}. ` : ""}Isolate it by hand now: give every interface a security group without rules.`,
            );
        }
        return {
            schemaVersion: 1 as const,
            incidentId,
            instance,
            contained: true,
            vpcId: state.vpcId,
            availabilityZone: state.availabilityZone,
            isolationGroupId: groups.isolation,
            interfaces: after.interfaces.map((each) => ({
                networkInterfaceId: each.networkInterfaceId,
                groupsBefore: before.interfaces.find((one) => one.networkInterfaceId === each.networkInterfaceId)?.groups ?? [],
                groupsAfter: each.groups,
            })),
            targetGroups: before.targets.map((target) => target.targetGroupArn),
            autoScalingGroup: before.autoScaling?.group ?? null,
            restoreRecord: record.ref,
            steps,
            uncut: state.trackedPaths,
            startedAt,
            containedAt: new Date().toISOString(),
        };
    },
});
