/** Auto Scaling of one instance in memory: its place in the group `app`. */
import { awsError } from "./errors";

export class InMemoryAutoScaling {
    /** Lifecycle state in the group; null when the instance is in none. */
    state: string | null = "InService";
    /** Processes of the group that are suspended. */
    suspendedProcesses: string[] = [];

    constructor(private readonly instanceId: string) {}

    /** Detaching and standby want an instance in service, or in standby. */
    private wantsInService(): void {
        if (this.state !== null && !["InService", "Standby"].includes(this.state))
            throw awsError("ValidationError", `The instance ${this.instanceId} is not in a state that allows it: ${this.state}`);
    }
    onDescribeAutoScalingInstances(): unknown {
        return { AutoScalingInstances: this.state ? [{ AutoScalingGroupName: "app", LifecycleState: this.state }] : [] };
    }
    onDescribeAutoScalingGroups(): unknown {
        return { AutoScalingGroups: [{ SuspendedProcesses: this.suspendedProcesses.map((ProcessName) => ({ ProcessName })) }] };
    }
    onSuspendProcesses({ ScalingProcesses }: { ScalingProcesses: string[] }): unknown {
        this.suspendedProcesses = [...new Set([...this.suspendedProcesses, ...ScalingProcesses])].sort();
        return {};
    }
    onResumeProcesses({ ScalingProcesses }: { ScalingProcesses: string[] }): unknown {
        this.suspendedProcesses = this.suspendedProcesses.filter((each) => !ScalingProcesses.includes(each));
        return {};
    }
    onDetachInstances(): unknown {
        this.wantsInService();
        this.state = null;
        return {};
    }
    onEnterStandby(): unknown {
        this.wantsInService();
        this.state = "Standby";
        return {};
    }
    onAttachInstances(): unknown {
        this.state = "InService";
        return {};
    }
    onExitStandby(): unknown {
        this.state = "InService";
        return {};
    }
}
