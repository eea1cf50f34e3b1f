/** Does one action of the plan. Each is idempotent: done twice, AWS answers as if it were done once. */
import { AutoScalingClient, DetachInstancesCommand, EnterStandbyCommand } from "@aws-sdk/client-auto-scaling";
import {
    EC2Client,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    ModifyNetworkInterfaceAttributeCommand,
} from "@aws-sdk/client-ec2";
import { DeregisterInstancesFromLoadBalancerCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DeregisterTargetsCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { ContainmentAction } from "../../domain/planContainment";
import type { Victim } from "../victim";
import { onceGroupIsKnown } from "../consistency";
import { denyCredentials, denyRole, revokeRole } from "./credentials";
import { StepError } from "../errors";
import { giveNetworkAcl } from "./networkAcls";
import { alreadyDone, done, type Performed } from "./performed";

/** AWS refuses to detach an instance that is not in the group any more; that is what was wanted. */
const isNoMember = (error: unknown) => error instanceof Error && /is not part of Auto Scaling group/i.test(error.message);

/** Takes the instance out of its group so that a replacement starts. Where detaching is refused, standby keeps it from being replaced by termination. */
async function leaveAutoScaling(client: AutoScalingClient, instanceId: string, group: string): Promise<Performed> {
    const request = { InstanceIds: [instanceId], AutoScalingGroupName: group, ShouldDecrementDesiredCapacity: false };
    try {
        await client.send(new DetachInstancesCommand(request));
        return done;
    } catch (error) {
        if (isNoMember(error)) return alreadyDone;
        await client.send(new EnterStandbyCommand(request));
        return {
            outcome: "done",
            note: `detaching was refused (${error instanceof Error ? error.message : String(error)}), so it is in standby`,
        };
    }
}

/**
 * The allow-all moment opens the interface to the world, so nothing stands between its two calls, and it ends even where the
 * isolation group is refused or not known yet.
 */
async function isolateInterface(
    ec2: EC2Client,
    { networkInterfaceId, through, group, before }: Extract<ContainmentAction, { kind: "isolateInterface" }>,
): Promise<Performed> {
    const give = (Groups: string[]) =>
        ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: networkInterfaceId, Groups }));
    const why = (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    return onceGroupIsKnown(async () => {
        const refusal = through ? await onceGroupIsKnown(() => give([through])).then(() => null, why) : null;
        try {
            await give([group]);
        } catch (error) {
            if (through && refusal === null && before.length > 0) {
                await give(before).catch((worse: unknown) => {
                    throw new StepError(
                        `The isolation group was refused (${why(error)}), and so were the groups before (${why(worse)})`,
                        networkInterfaceId,
                        `It carries ${through}, which lets everything through: give it a group without rules now.`,
                        { cause: error },
                    );
                });
            }
            throw error;
        }
        return refusal === null
            ? done
            : { outcome: "done", note: `the moment in ${through} was refused (${refusal}), so connections that stood may live on` };
    });
}

/** Does one action. @param pinRole keeps the name of a role before its policy is written @throws the AWS error when it is refused */
export async function perform(action: ContainmentAction, victim: Victim, pinRole: (role: string) => Promise<void>): Promise<Performed> {
    const ec2 = victim.client(EC2Client);
    const InstanceId = victim.ref.instanceId;
    switch (action.kind) {
        case "detachFromAutoScaling":
            return leaveAutoScaling(victim.client(AutoScalingClient), InstanceId, action.group);
        case "protectFromTermination":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: true } }));
            return done;
        case "protectFromStop":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiStop: { Value: true } }));
            return done;
        case "stopOnShutdown":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, InstanceInitiatedShutdownBehavior: { Value: "stop" } }));
            return done;
        case "keepVolumes":
            await ec2.send(
                new ModifyInstanceAttributeCommand({
                    InstanceId,
                    BlockDeviceMappings: action.devices.map((DeviceName) => ({ DeviceName, Ebs: { DeleteOnTermination: false } })),
                }),
            );
            return done;
        case "deregisterTarget":
            await victim.client(ElasticLoadBalancingV2Client).send(
                new DeregisterTargetsCommand({
                    TargetGroupArn: action.targetGroupArn,
                    Targets: [{ Id: action.targetId, Port: action.port || undefined }],
                }),
            );
            return done;
        case "deregisterFromClassic":
            await victim
                .client(ElasticLoadBalancingClient)
                .send(
                    new DeregisterInstancesFromLoadBalancerCommand({ LoadBalancerName: action.loadBalancer, Instances: [{ InstanceId }] }),
                );
            return done;
        case "isolateInterface":
            return isolateInterface(ec2, action);
        case "denyCredentials":
            return denyCredentials(action.instanceProfileArn, victim, pinRole);
        case "denyRole":
            await pinRole(action.role);
            return denyRole(action.role, victim);
        case "revokeRole":
            await revokeRole(action.instanceProfileArn, victim);
            return done;
        case "disableMetadata":
            await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpEndpoint: "disabled" }));
            return done;
        case "shortenIdleTimeout":
            await ec2.send(
                new ModifyNetworkInterfaceAttributeCommand({
                    NetworkInterfaceId: action.networkInterfaceId,
                    ConnectionTrackingSpecification: { TcpEstablishedTimeout: action.seconds },
                }),
            );
            return done;
        case "isolateSubnet":
            await giveNetworkAcl(victim, action.subnetId, action.networkAclId);
            return done;
        default:
            return action satisfies never;
    }
}
