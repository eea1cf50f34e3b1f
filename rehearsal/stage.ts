/** The stage of a rehearsal: the local AWS with the program deployed, the victim in place, and Slack's stand-in listening. */
import { deadLetterQueueName, evidenceBucketName, findingsTopicName, stateMachineName } from "../infra/names";
import type { CleanUp } from "./cleanUp";
import { localClients, type LocalClients, type Target } from "./deploy/localClients";
import { deployProgram, type Deployment } from "./deploy/program";
import { startLocalEmu, type LocalEmu } from "./localEmu";
import { shareRole, type SharedRole } from "./neighbour";
import { prepareForMemory, type MemoryStage } from "./memory/prepare";
import type { Options } from "./options";
import type { Progress } from "./progress";
import { architecture, type Prepared } from "./setUp";
import { startSlackServer, type SlackServer } from "./slackServer";
import { createVictim, type Victim } from "./victim";

const region = "eu-west-1";
export const forensics: Target = { accountId: "111111111111", region };
export const member: Target = { accountId: "222222222222", region };

/** The forensics account in a Region. */
export const forensicsIn = (inRegion: string): Target => ({ ...forensics, region: inRegion });

/** What the program calls the things of one Region that a rehearsal talks to. */
export const deployedIn = (inRegion: string) => ({
    evidenceBucket: evidenceBucketName(forensics.accountId, inRegion),
    findingsTopicArn: `arn:aws:sns:${inRegion}:${forensics.accountId}:${findingsTopicName}`,
    stateMachineArn: `arn:aws:states:${inRegion}:${forensics.accountId}:stateMachine:${stateMachineName}`,
    deadLetterQueueName,
});
export const deployed = deployedIn(region);

export interface Stage {
    localEmu: LocalEmu;
    clients: LocalClients;
    slack: SlackServer;
    victim: Victim;
    /** The victim and its neighbour, with the credentials stolen from both. Secrets: for the checks alone. */
    sharedRole: SharedRole;
    deployment: Deployment;
    /** What the victim's VPC has for it; null where memory is not taken. */
    memory: MemoryStage | null;
    /** Milliseconds each part of the setting took. */
    milliseconds: { localAws: number; victim: number; deploy: number };
}

/**
 * The stack's configuration for the accounts and Regions of the victims, as an operator would write it into
 * Pulumi.<stack>.yaml.
 */
export function configuration(
    victims: readonly Victim[],
    slackUrl: string,
    pythonVersion: Prepared["pythonVersion"],
    memory: Options["memory"] = null,
): Record<string, string> {
    const accounts = [...new Set(victims.map(({ instance }) => instance.accountId))];
    const vpcsOf = (accountId: string) =>
        Object.fromEntries(
            victims.filter(({ instance }) => instance.accountId === accountId).map(({ instance, vpcId }) => [instance.region, [vpcId]]),
        );
    return {
        settings: JSON.stringify({
            forensics: { accountId: forensics.accountId },
            regions: [...new Set(victims.map(({ instance }) => instance.region))],
            members: accounts.map((accountId) => ({ accountId, isolationVpcs: vpcsOf(accountId) })),
            // A rehearsal is a drill: any finding may start one, GuardDuty's sample findings and mild ones too.
            findings: { minimumSeverity: 0, drill: true },
            forensicInstance: {
                architecture,
                imageParameter: `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
            },
            analysis: { pythonVersion, timeoutSeconds: 600 },
            evidence: { retentionDays: 1 },
            operations: { dashboard: true },
            support: { enabled: true },
            logRetentionDays: 30,
            ...(memory === null ? {} : { memory: { mode: memory } }),
        }),
        slackWebhookUrl: slackUrl,
    };
}

/** Sets the stage. With `keep` the local AWS is left running when everything else is cleaned up. */
export async function setStage(
    prepared: Prepared,
    progress: Progress,
    cleanUp: CleanUp,
    { keep = false, memory: mode = null }: Partial<Pick<Options, "keep" | "memory">> = {},
): Promise<Stage> {
    const slack = await startSlackServer();
    cleanUp.add("Slack's stand-in", () => slack.stop());

    const startedAt = Date.now();
    const localEmu = await startLocalEmu({ keep });
    if (!keep) cleanUp.add("the local AWS", () => localEmu.stop());
    const upAt = Date.now();
    progress.line(`Local AWS up at ${localEmu.endpoint}`);

    const clients = localClients(localEmu.endpoint);
    const victim = await createVictim(clients, member, prepared.images);
    const victimAt = Date.now();
    progress.line(
        `Victim ${victim.instance.instanceId} in account ${member.accountId}: ${victim.interfaces.length} network interfaces, ${victim.volumes.length} volumes, in an Auto Scaling group at its minimum size, behind an application and a classic load balancer`,
    );

    const memory = mode === null ? null : await prepareForMemory(clients, victim, cleanUp);
    const [deployment, sharedRole] = await Promise.all([
        deployProgram({
            clients,
            defaults: forensics,
            config: configuration([victim], slack.url, prepared.pythonVersion, mode),
            secretKeys: ["slackWebhookUrl"],
        }),
        shareRole(clients, localEmu.endpoint, victim),
    ]);
    const deployedAt = Date.now();
    progress.line(`Neighbour ${sharedRole.neighbour.instanceId} has the victim's role; the credentials of both were stolen`);
    progress.line(`Program deployed: ${deployment.resources.length} resources, ${deployment.functions.length} functions`);
    return {
        localEmu,
        clients,
        slack,
        victim,
        sharedRole,
        deployment,
        memory,
        milliseconds: { localAws: upAt - startedAt, victim: victimAt - upAt, deploy: deployedAt - victimAt },
    };
}
