/** Does one action of the plan. Each is idempotent: done twice, AWS answers as if it were done once. */
import { AutoScalingClient, DetachInstancesCommand, EnterStandbyCommand } from "@aws-sdk/client-auto-scaling";
import { EC2Client, ModifyInstanceAttributeCommand, ModifyInstanceMetadataOptionsCommand, ModifyNetworkInterfaceAttributeCommand } from "@aws-sdk/client-ec2";
import { DeregisterInstancesFromLoadBalancerCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DeregisterTargetsCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { InstanceRef } from "../../domain/containers";
import type { ContainmentAction } from "../../domain/planContainment";
import { memberClient } from "../clients";
import { denyCredentials, revokeRole } from "./credentials";

/** AWS refuses to detach an instance that is not in the group any more; that is what was wanted. */
const isNoMember = (error: unknown) => error instanceof Error && /is not part of Auto Scaling group/i.test(error.message);

/** Takes the instance out of its group so that a replacement starts. Where detaching is refused, standby keeps it from being replaced by termination. */
async function leaveAutoScaling(client: AutoScalingClient, instanceId: string, group: string): Promise<string | null> {
    const request = { InstanceIds: [instanceId], AutoScalingGroupName: group, ShouldDecrementDesiredCapacity: false };
    try {
        await client.send(new DetachInstancesCommand(request));
        return null;
    } catch (error) {
        if (isNoMember(error)) return null;
        await client.send(new EnterStandbyCommand(request));
        return `detaching was refused (${error instanceof Error ? error.message : String(error)}), so it is in standby`;
    }
}

/** @returns what turned out differently from the plan, or null. */
export async function perform(action: ContainmentAction, ref: InstanceRef, incidentId: string): Promise<string | null> {
    const ec2 = memberClient(EC2Client, ref, incidentId);
    const InstanceId = ref.instanceId;
    switch (action.kind) {
        case "detachFromAutoScaling":
            return leaveAutoScaling(memberClient(AutoScalingClient, ref, incidentId), InstanceId, action.group);
        case "protectFromTermination":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: true } }));
            return null;
        case "protectFromStop":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiStop: { Value: true } }));
            return null;
        case "stopOnShutdown":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, InstanceInitiatedShutdownBehavior: { Value: "stop" } }));
            return null;
        case "keepVolumes":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, BlockDeviceMappings: action.devices.map((DeviceName) => ({ DeviceName, Ebs: { DeleteOnTermination: false } })) }));
            return null;
        case "deregisterTarget":
            await memberClient(ElasticLoadBalancingV2Client, ref, incidentId).send(new DeregisterTargetsCommand({ TargetGroupArn: action.targetGroupArn, Targets: [{ Id: action.targetId, Port: action.port || undefined }] }));
            return null;
        case "deregisterFromClassic":
            await memberClient(ElasticLoadBalancingClient, ref, incidentId).send(new DeregisterInstancesFromLoadBalancerCommand({ LoadBalancerName: action.loadBalancer, Instances: [{ InstanceId }] }));
            return null;
        case "isolateInterface":
            // The allow-all moment opens the interface to the world, so nothing stands between these two calls.
            if (action.through) await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: action.networkInterfaceId, Groups: [action.through] }));
            await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: action.networkInterfaceId, Groups: [action.group] }));
            return null;
        case "denyCredentials":
            return denyCredentials(action.instanceProfileArn, ref, incidentId);
        case "revokeRole":
            await revokeRole(action.instanceProfileArn, ref, incidentId);
            return null;
        case "disableMetadata":
            await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpEndpoint: "disabled" }));
            return null;
        default:
            return action satisfies never;
    }
}
