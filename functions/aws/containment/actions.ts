/** Does one action of the plan. Each is idempotent: done twice, AWS answers as if it were done once. */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
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
import { denyCredentials, denyRole, revokeRole, revokeSessions } from "./credentials";
import { StepError } from "../errors";
import { leaveAutoScaling, type Suspensions } from "./leaveAutoScaling";
import { giveNetworkAcl } from "./networkAcls";
import { done, type Performed } from "./performed";

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

/** Keeps what a release must find again, before it is changed. */
export interface Pins {
    /** A role whose policy is about to deny the instance. */
    role: (role: string) => Promise<void>;
    /** A role whose sessions from before a moment are about to be denied. */
    revoked: (role: string, before: string) => Promise<void>;
    suspensions: Suspensions;
}

/** Does one action. @throws the AWS error when it is refused */
export async function perform(action: ContainmentAction, victim: Victim, pins: Pins): Promise<Performed> {
    const ec2 = victim.client(EC2Client);
    const InstanceId = victim.ref.instanceId;
    switch (action.kind) {
        case "detachFromAutoScaling":
            return leaveAutoScaling(victim.client(AutoScalingClient), InstanceId, action, pins.suspensions);
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
            return denyCredentials(action.instanceProfileArn, victim, pins.role, action.agentExcepted);
        case "denyRole":
            await pins.role(action.role);
            return denyRole(action.role, victim, action.agentExcepted);
        case "revokeRole":
            return revokeRole(action.instanceProfileArn, victim, pins.revoked);
        case "revokeSessions":
            return revokeSessions(action.role, action.before, victim);
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
