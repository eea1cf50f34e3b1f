/**
 * `npm run coverage`: lists every account and Region of a stack as covered or not, and why. Reads with the operator's credentials, or with the
 * deployment role that an account has in the stack's configuration.
 */
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { GuardDutyClient } from "@aws-sdk/client-guardduty";
import { OrganizationsClient } from "@aws-sdk/client-organizations";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { partitionOf } from "../infra/awsRegions";
import type { Settings } from "../infra/config";
import { command } from "./command";
import { exitCode, judge, render } from "./coverage/judge";
import { observe, type EstateClients } from "./coverage/observe";
import { stackSettings } from "./coverage/stackSettings";

/** Organizations answers in one Region of each partition. */
const organizationsRegion: Record<string, string> = { aws: "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1" };

function estateClients(settings: Settings): EstateClients {
    const roles = new Map([
        [settings.forensics.accountId, settings.forensics.deployRoleArn],
        ...(settings.coverage.administrator
            ? [[settings.coverage.administrator.accountId, settings.coverage.administrator.readRoleArn] as [string, string | undefined]]
            : []),
        ...settings.members.map((member): [string, string | undefined] => [member.accountId, member.deployRoleArn]),
    ]);
    const home = settings.homeRegion;
    const configuration = (accountId: string, region: string) => {
        const RoleArn = roles.get(accountId);
        return {
            region,
            maxAttempts: 5,
            ...(RoleArn
                ? {
                      credentials: fromTemporaryCredentials({
                          params: { RoleArn, RoleSessionName: "clean-room-coverage" },
                          clientConfig: { region: home },
                      }),
                  }
                : {}),
        };
    };
    return {
        guardDuty: (accountId, region) => new GuardDutyClient(configuration(accountId, region)),
        eventBridge: (accountId, region) => new EventBridgeClient(configuration(accountId, region)),
        cloudFormation: (accountId, region) => new CloudFormationClient(configuration(accountId, region)),
        organizations: (accountId) => new OrganizationsClient(configuration(accountId, organizationsRegion[partitionOf(home)]!)),
    };
}

/** Without a role the operator's own credentials speak for the forensics account: they must be of it. */
async function requireForensicsCredentials({ forensics, regions }: Settings): Promise<void> {
    if (forensics.deployRoleArn) return;
    const { Account } = await new STSClient({ region: regions[0] }).send(new GetCallerIdentityCommand({}));
    if (Account !== forensics.accountId)
        throw new Error(
            `The credentials are of account ${Account}, and the stack's forensics account is ${forensics.accountId}. Use credentials of that account, or set forensics.deployRoleArn.`,
        );
}

export const coverage = command(
    {
        name: "coverage",
        summary:
            "Lists every account and Region of a stack as covered or not, and why: GuardDuty, the rules that bring its findings, the StackSet's instances.\nWhat cannot be asked is a gap. Reads only, as the deployment role of each account where one is configured.",
        arguments: "--stack NAME [--json]",
        options: {
            stack: { type: "string", description: "the stack, as in Pulumi.NAME.yaml", required: true },
            json: { type: "boolean", description: "an array with an object for each account and Region, on stdout" },
        },
        examples: [
            "npm run coverage -- --stack prod",
            "npm run --silent coverage -- --stack prod --json | jq '.[] | select(.covered | not)'",
        ],
        exitCodes: { 0: "everything is covered", 1: "there is a gap", 2: "wrong usage or configuration" },
        rights: {
            "GuardDuty of the forensics account, or of its administrator": [
                "guardduty:ListDetectors",
                "guardduty:GetDetector",
                "guardduty:ListMembers",
                "guardduty:GetMemberDetectors",
                "guardduty:DescribeOrganizationConfiguration",
            ],
            "GuardDuty of each listed member": ["guardduty:ListDetectors", "guardduty:GetDetector"],
            "rules of the forensics account and of each listed member": ["events:DescribeRule"],
            "the StackSet clean-room-member": ["cloudformation:ListStackInstances"],
            "the organisation": ["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"],
        },
        run: async ({ stack, json }) => {
            const settings = stackSettings(stack);
            await requireForensicsCredentials(settings);
            const verdicts = (await observe(settings, estateClients(settings))).map((pair) => judge(pair, settings.coverage.features));
            console.log(json ? JSON.stringify(verdicts) : render(verdicts));
            return exitCode(verdicts);
        },
    },
    module,
);
