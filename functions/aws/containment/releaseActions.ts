/** Does one action of a release. Each is idempotent: done twice, AWS answers as if it were done once, or says that it was. */
import { AttachInstancesCommand, AutoScalingClient, ExitStandbyCommand, ResumeProcessesCommand } from "@aws-sdk/client-auto-scaling";
import {
    EC2Client,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    ModifyNetworkInterfaceAttributeCommand,
} from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient, RegisterInstancesWithLoadBalancerCommand } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client, RegisterTargetsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { ReleaseAction } from "../../domain/planRelease";
import type { Victim } from "../victim";
import { allowCredentials, allowRole } from "./credentials";
import { giveNetworkAcl } from "./networkAcls";
import { done, type Performed } from "./performed";

/** Does one action. @throws the AWS error when it is refused. */
export async function performRelease(action: ReleaseAction, victim: Victim): Promise<Performed> {
    const ec2 = victim.client(EC2Client);
    const InstanceId = victim.ref.instanceId;
    switch (action.kind) {
        case "restoreSubnet":
            await giveNetworkAcl(victim, action.subnetId, action.networkAclId);
            return done;
        case "restoreIdleTimeout":
            await ec2.send(
                new ModifyNetworkInterfaceAttributeCommand({
                    NetworkInterfaceId: action.networkInterfaceId,
                    ConnectionTrackingSpecification: { TcpEstablishedTimeout: action.seconds },
                }),
            );
            return done;
        case "allowCredentials":
            return allowCredentials(action.instanceProfileArn, victim);
        case "allowRole":
            return allowRole(action.role, victim);
        case "enableMetadata":
            await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpEndpoint: "enabled" }));
            return done;
        case "restoreGroups":
            await ec2.send(
                new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: action.networkInterfaceId, Groups: action.groups }),
            );
            return done;
        case "registerTarget":
            await victim.client(ElasticLoadBalancingV2Client).send(
                new RegisterTargetsCommand({
                    TargetGroupArn: action.targetGroupArn,
                    Targets: [{ Id: action.targetId, Port: action.port || undefined }],
                }),
            );
            return done;
        case "registerWithClassic":
            await victim
                .client(ElasticLoadBalancingClient)
                .send(new RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName: action.loadBalancer, Instances: [{ InstanceId }] }));
            return done;
        case "restoreVolumes":
            await ec2.send(
                new ModifyInstanceAttributeCommand({
                    InstanceId,
                    BlockDeviceMappings: action.devices.map((DeviceName) => ({ DeviceName, Ebs: { DeleteOnTermination: true } })),
                }),
            );
            return done;
        case "terminateOnShutdown":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, InstanceInitiatedShutdownBehavior: { Value: "terminate" } }));
            return done;
        case "unprotectFromStop":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiStop: { Value: false } }));
            return done;
        case "unprotectFromTermination":
            await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: false } }));
            return done;
        case "rejoinAutoScaling": {
            const scaling = victim.client(AutoScalingClient);
            const request = { InstanceIds: [InstanceId], AutoScalingGroupName: action.group };
            await scaling.send(action.from === "standby" ? new ExitStandbyCommand(request) : new AttachInstancesCommand(request));
            return done;
        }
        case "resumeProcesses":
            await victim
                .client(AutoScalingClient)
                .send(new ResumeProcessesCommand({ AutoScalingGroupName: action.group, ScalingProcesses: action.processes }));
            return done;
        default:
            return action satisfies never;
    }
}
