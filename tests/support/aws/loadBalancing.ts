/** Elastic Load Balancing of one instance in memory: one target group, and two classic load balancers. */
export const targetGroupArn = "arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/web/1";

export class InMemoryLoadBalancing {
    /** Registrations of the instance in the target group. */
    targets = ["web"];
    /** Classic load balancers that have the instance. */
    classic = ["old-web"];

    constructor(private readonly instanceId: string) {}

    onDescribeTargetGroups(): unknown {
        return { TargetGroups: [{ TargetGroupArn: targetGroupArn, VpcId: "vpc-1", TargetType: "instance", Protocol: "HTTP", Port: 80 }] };
    }
    onDescribeTargetHealth(): unknown {
        return {
            TargetHealthDescriptions: this.targets.map(() => ({
                Target: { Id: this.instanceId, Port: 80 },
                TargetHealth: { State: "healthy" },
            })),
        };
    }
    onDeregisterTargets(): unknown {
        this.targets = [];
        return {};
    }
    onRegisterTargets(): unknown {
        this.targets = ["web"];
        return {};
    }
    onDescribeLoadBalancers(): unknown {
        return {
            LoadBalancerDescriptions: ["old-web", "other"].map((LoadBalancerName) => ({
                LoadBalancerName,
                Instances: this.classic.includes(LoadBalancerName) ? [{ InstanceId: this.instanceId }] : [],
            })),
        };
    }
    onDeregisterInstancesFromLoadBalancer({ LoadBalancerName }: { LoadBalancerName: string }): unknown {
        this.classic = this.classic.filter((each) => each !== LoadBalancerName);
        return {};
    }
    onRegisterInstancesWithLoadBalancer({ LoadBalancerName }: { LoadBalancerName: string }): unknown {
        // Registering twice is registering once.
        if (!this.classic.includes(LoadBalancerName)) this.classic.push(LoadBalancerName);
        return {};
    }
}
