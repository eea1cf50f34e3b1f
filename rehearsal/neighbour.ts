/** The victim's neighbour: a second instance with the same role, which has done nothing and must go on working. */
import { EC2Client, RunInstancesCommand, waitUntilInstanceRunning } from "@aws-sdk/client-ec2";
import { SSMClient } from "@aws-sdk/client-ssm";
import type { LocalClients } from "./deploy/localClients";
import { stealCredentials, tryCredentials, type StolenCredentials } from "./stolenCredentials";
import type { Victim } from "./victim";

/** An instance of the shared role, and what its credentials are good for. */
export interface RoleUser {
    instanceId: string;
    credentials: StolenCredentials;
    /** What a call with them gave before the finding: "allowed", or the name of AWS's error. */
    before: string;
}

export interface SharedRole {
    victim: RoleUser;
    neighbour: RoleUser;
}

async function startNeighbour(ec2: EC2Client, victim: Victim): Promise<string> {
    const { Instances } = await ec2.send(
        new RunInstancesCommand({
            ImageId: victim.imageId,
            InstanceType: "t3.medium",
            MinCount: 1,
            MaxCount: 1,
            IamInstanceProfile: { Arn: victim.instanceProfileArn },
            SubnetId: victim.interfaces[0]!.subnetId,
            TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "rehearsal-neighbour" }] }],
        }),
    );
    const instanceId = Instances![0]!.InstanceId!;
    await waitUntilInstanceRunning({ client: ec2, minDelay: 1, maxDelay: 1, maxWaitTime: 60 }, { InstanceIds: [instanceId] });
    return instanceId;
}

/** Starts the neighbour and takes the credentials of both instances. @param endpoint of the local AWS */
export async function shareRole(clients: LocalClients, endpoint: string, victim: Victim): Promise<SharedRole> {
    const { accountId, region, instanceId } = victim.instance;
    const target = { accountId, region };
    const robbed = async (id: string): Promise<RoleUser> => {
        const credentials = await stealCredentials(clients(SSMClient, target), id);
        return { instanceId: id, credentials, before: await tryCredentials(endpoint, region, credentials) };
    };
    const [ofVictim, neighbour] = await Promise.all([robbed(instanceId), startNeighbour(clients(EC2Client, target), victim).then(robbed)]);
    return { victim: ofVictim, neighbour };
}
