/** What rots in the members: the responder role, GuardDuty, forwarding, the StackSet that reaches them. */
import { CreateDetectorCommand, DeleteDetectorCommand, ListDetectorsCommand, UpdateDetectorCommand } from "@aws-sdk/client-guardduty";
import {
    CreatePolicyCommand,
    CreateRoleCommand,
    DeleteRoleCommand,
    DeleteRolePermissionsBoundaryCommand,
    DeleteRolePolicyCommand,
    GetRoleCommand,
    GetRolePolicyCommand,
    IAMClient,
    ListRolePoliciesCommand,
    PutRolePermissionsBoundaryCommand,
    PutRolePolicyCommand,
    UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { parseSettings } from "../../../../infra/config";
import { forwardRuleName, memberStackSetName, responderRoleName } from "../../../../infra/names";
import { readinessPlan } from "../../../../infra/readinessPlan";
import { bringAbout } from "../../../../rehearsal/circumstances";
import { accountSettings, forensics, member, region } from "../../support/localEstate";
import { settings, type Rot, type Rotting } from "./rotting";

interface InlinePolicy {
    name: string;
    document: { Statement: { Effect: string; Action: string | string[] }[] };
}

export function membersRots(estate: Rotting): Rot[] {
    const { iam, guardDuty, ownRole, withVariables, configured, ruleOff } = estate;
    const on = (name: string) => `${name} ${member.accountId}`;
    async function policiesOf(RoleName: string): Promise<InlinePolicy[]> {
        const { PolicyNames = [] } = await iam().send(new ListRolePoliciesCommand({ RoleName }));
        return Promise.all(
            PolicyNames.map(async (PolicyName) => {
                const { PolicyDocument } = await iam().send(new GetRolePolicyCommand({ RoleName, PolicyName }));
                return { name: PolicyName, document: JSON.parse(decodeURIComponent(PolicyDocument!)) as InlinePolicy["document"] };
            }),
        );
    }
    const putPolicy = (PolicyName: string, document: object) =>
        iam().send(new PutRolePolicyCommand({ RoleName: responderRoleName, PolicyName, PolicyDocument: JSON.stringify(document) }));
    async function roleGone(): Promise<() => Promise<void>> {
        const { Role } = await iam().send(new GetRoleCommand({ RoleName: responderRoleName }));
        const policies = await policiesOf(responderRoleName);
        for (const { name } of policies) await iam().send(new DeleteRolePolicyCommand({ RoleName: responderRoleName, PolicyName: name }));
        await iam().send(new DeleteRoleCommand({ RoleName: responderRoleName }));
        return async () => {
            const { Path, AssumeRolePolicyDocument, MaxSessionDuration } = Role!;
            await iam().send(
                new CreateRoleCommand({
                    RoleName: responderRoleName,
                    Path,
                    MaxSessionDuration,
                    AssumeRolePolicyDocument: decodeURIComponent(AssumeRolePolicyDocument!),
                }),
            );
            for (const { name, document } of policies) await putPolicy(name, document);
        };
    }
    async function trustGone(): Promise<() => Promise<unknown>> {
        const { Role } = await iam().send(new GetRoleCommand({ RoleName: responderRoleName }));
        const trust = (PolicyDocument: string) =>
            iam().send(new UpdateAssumeRolePolicyCommand({ RoleName: responderRoleName, PolicyDocument }));
        await trust(
            JSON.stringify({
                Version: "2012-10-17",
                Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
            }),
        );
        return () => trust(decodeURIComponent(Role!.AssumeRolePolicyDocument!));
    }
    const actionGone =
        (action: string): Rot["breaks"] =>
        async () => {
            const changed = (await policiesOf(responderRoleName)).filter(({ document }) =>
                JSON.stringify(document).includes(`"${action}"`),
            );
            for (const { name, document } of changed) {
                const Statement = document.Statement.map((each) => ({
                    ...each,
                    Action: [each.Action].flat().filter((one) => one !== action),
                }));
                await putPolicy(name, { ...document, Statement: Statement.filter(({ Action }) => Action.length > 0) });
            }
            return () => Promise.all(changed.map(({ name, document }) => putPolicy(name, document)));
        };
    const denied =
        (action: string): Rot["breaks"] =>
        async () => {
            await putPolicy("rot", { Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: action, Resource: "*" }] });
            return () => iam().send(new DeleteRolePolicyCommand({ RoleName: responderRoleName, PolicyName: "rot" }));
        };
    const bounded =
        (action: string): Rot["breaks"] =>
        async () => {
            const { Policy } = await iam().send(
                new CreatePolicyCommand({
                    PolicyName: "rot",
                    PolicyDocument: JSON.stringify({
                        Version: "2012-10-17",
                        Statement: [{ Effect: "Allow", NotAction: action, Resource: "*" }],
                    }),
                }),
            );
            await iam().send(new PutRolePermissionsBoundaryCommand({ RoleName: responderRoleName, PermissionsBoundary: Policy!.Arn! }));
            return () => iam().send(new DeleteRolePermissionsBoundaryCommand({ RoleName: responderRoleName }));
        };
    return [
        {
            what: "the responder role is gone",
            breaks: roleGone,
            says: {
                [on("responder-assumable")]:
                    /the responder role of account 222222222222: cannot be assumed: .*AccessDenied.* -> Nothing in 222222222222 can be contained/,
            },
        },
        {
            what: "the responder role trusts nobody of ours any more, though a session of a minute ago still lives",
            breaks: trustGone,
            says: { [on("responder-assumable")]: /cannot be assumed: .*AccessDenied/ },
        },
        {
            what: "the responder role's policy lacks an action of containment",
            breaks: actionGone("ec2:ModifyInstanceAttribute"),
            says: {
                [on("responder-allowed")]:
                    /what containment, preservation and release need .* by policy simulation: not allowed: ec2:ModifyInstanceAttribute \(since no policy of the role allows it\) -> Deploy the stack again/,
            },
        },
        {
            what: "a policy of the responder role denies an action of preservation",
            breaks: denied("ec2:CreateSnapshots"),
            says: { [on("responder-allowed")]: /not allowed: ec2:CreateSnapshots \(by a policy that denies it\)/ },
        },
        {
            what: "a permissions boundary takes the deny of credentials away",
            breaks: bounded("iam:PutRolePolicy"),
            says: { [on("responder-allowed")]: /not allowed: iam:PutRolePolicy \(by its permissions boundary\)/ },
        },
        {
            what: "a deny hangs on a condition that the simulation is not given, as Region denies may",
            breaks: async () => {
                const Condition = { Bool: { "aws:SecureTransport": "true" } };
                await putPolicy("rot", {
                    Version: "2012-10-17",
                    Statement: [{ Effect: "Deny", Action: "ec2:CreateSecurityGroup", Resource: "*", Condition }],
                });
                return () => iam().send(new DeleteRolePolicyCommand({ RoleName: responderRoleName, PolicyName: "rot" }));
            },
            says: {
                [on("responder-dry-run")]:
                    /a security group made in account 222222222222 in eu-west-1, as a dry run: EC2 would refuse it: .*CreateSecurityGroup.* -> Exempt the responder role/,
            },
        },
        {
            what: "GuardDuty is switched off in a member",
            breaks: async () => {
                const { DetectorIds: [DetectorId] = [] } = await guardDuty().send(new ListDetectorsCommand({}));
                await guardDuty().send(new UpdateDetectorCommand({ DetectorId, Enable: false }));
                return () => guardDuty().send(new UpdateDetectorCommand({ DetectorId, Enable: true }));
            },
            says: {
                [on("guardduty")]:
                    /GuardDuty in account 222222222222 in eu-west-1: is DISABLED: nothing there is noticed -> Switch the detector on/,
            },
        },
        {
            what: "GuardDuty's detector is gone from a member",
            breaks: async () => {
                const { DetectorIds: [DetectorId] = [] } = await guardDuty().send(new ListDetectorsCommand({}));
                await guardDuty().send(new DeleteDetectorCommand({ DetectorId }));
                return () => guardDuty().send(new CreateDetectorCommand({ Enable: true }));
            },
            says: { [on("guardduty")]: /has no detector: nothing there is noticed/ },
        },
        {
            what: "a member's forwarding rule is off",
            breaks: ruleOff(forwardRuleName, member),
            says: { [on("forwarding-rule")]: /the rule that forwards findings of account 222222222222 from eu-west-1: is DISABLED/ },
        },
        {
            what: "there is no member",
            breaks: configured(() => ({ MEMBER_ACCOUNTS: "" })),
            says: { members: /the member accounts: there are none in this Region -> Name members, or an organization/ },
        },
        {
            what: "an account of the organisation has an outdated stack",
            breaks: async () => {
                await bringAbout(estate.local.localEmu.endpoint, {
                    ...forensics,
                    kind: "stackInstances",
                    name: memberStackSetName,
                    instances: [
                        { accountId: member.accountId, region, status: "CURRENT" },
                        { accountId: "333333333333", region, status: "OUTDATED" },
                    ],
                });
                // As the deployment of an organisation has it, whose StackSet LocalEmu cannot deploy.
                const role = await ownRole();
                const own = estate.local.clients(IAMClient, forensics);
                await own.send(
                    new PutRolePolicyCommand({
                        RoleName: role,
                        PolicyName: "rot",
                        PolicyDocument: JSON.stringify({
                            Version: "2012-10-17",
                            Statement: [{ Effect: "Allow", Action: "cloudformation:ListStackInstances", Resource: "*" }],
                        }),
                    }),
                );
                const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"], stackSetsAs: "SELF" };
                await withVariables({
                    READINESS: readinessPlan({
                        settings: parseSettings({ ...accountSettings, ...settings, organization }),
                        partition: "aws",
                        region,
                    }),
                });
                return async () => {
                    await withVariables({});
                    await own.send(new DeleteRolePolicyCommand({ RoleName: role, PolicyName: "rot" }));
                };
            },
            says: {
                stackset:
                    /the StackSet's instances: 1 of 2 are not current: 333333333333 eu-west-1 \(OUTDATED\) -> See the StackSet's operations/,
            },
        },
    ];
}
