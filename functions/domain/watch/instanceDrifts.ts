/** What of the instance itself is not as containment left it: whether it runs, what keeps it from being ended, and what is attached. */
import type { InstanceState } from "../instanceState";
import type { StandingContainment } from "../standingContainment";
import { underEc2, type Drift, type Watched } from "./drift";

/** Stopping loses the memory, starting runs what the disk holds: both are over when they are seen, and told once. */
export function lifeDrifts({ check, record, instance }: StandingContainment, now: InstanceState): Drift[] {
    const before = { state: check?.state ?? record.state, launchTime: check?.launchTime ?? record.launchTime };
    const ends = (state: string) => state === "stopped" || state === "stopping";
    const started = before.launchTime !== null && now.launchTime !== null && now.launchTime > before.launchTime;
    return [
        ...(started
            ? [
                  {
                      key: `started:${now.launchTime}`,
                      what: `the instance was stopped and started again at ${now.launchTime}: what was in its memory is lost, and it ran its start-up programs`,
                      repairable: false,
                      opens: false,
                      trail: underEc2(instance.instanceId, "StartInstances", "StopInstances"),
                  },
              ]
            : []),
        ...(ends(now.state) && !ends(before.state)
            ? [
                  {
                      key: `stopped:${now.launchTime ?? ""}`,
                      what: `the instance is ${now.state}: what was in its memory is lost`,
                      repairable: false,
                      opens: false,
                      trail: underEc2(instance.instanceId, "StopInstances"),
                  },
              ]
            : []),
    ];
}

/** Protection from being ended. Null is what could not be read, which stands in `unread`. */
export function protectionDrifts({ record, suspended }: StandingContainment, { state: now, runningProcesses }: Watched): Drift[] {
    const trail = underEc2(now.instance.instanceId, "ModifyInstanceAttribute");
    const off = (key: string, isOff: boolean, what: string): Drift[] =>
        isOff ? [{ key, what, repairable: true, opens: false, trail }] : [];
    const mortal = now.volumes.filter(({ deleteOnTermination }) => deleteOnTermination).map(({ volumeId }) => volumeId);
    const onDemand = record.lifecycle === "on-demand";
    return [
        ...off("termination-protection", onDemand && now.terminationProtection === false, "termination protection is off"),
        ...off("stop-protection", onDemand && now.stopProtection === false, "stop protection is off"),
        ...off(
            "shutdown-behaviour",
            onDemand && record.rootDeviceType === "ebs" && now.shutdownBehavior === "terminate",
            "a shutdown from inside terminates the instance",
        ),
        ...off(
            `mortal:${mortal.join(",")}`.slice(0, 256),
            mortal.length > 0,
            `the volumes ${mortal.join(", ")} would be deleted with the instance`,
        ),
        ...(runningProcesses.length === 0 || suspended?.group !== now.autoScaling?.group
            ? []
            : [
                  {
                      key: `processes:${runningProcesses.join(",")}`.slice(0, 256),
                      what: `${runningProcesses.join(", ")} of the Auto Scaling group ${suspended!.group}, which would not let the instance go, run again and may terminate it`,
                      repairable: true,
                      opens: false,
                      trail: { resource: suspended!.group, events: ["ResumeProcesses"], service: "autoscaling" as const },
                  },
              ]),
        // A group that would not let it go was kept from ending it.
        ...(now.autoScaling === null ||
        suspended?.group === now.autoScaling.group ||
        /^(Standby|Detach|Terminat)/.test(now.autoScaling.lifecycleState)
            ? []
            : [
                  {
                      key: `auto-scaling:${now.autoScaling.group}`.slice(0, 256),
                      what: `the instance is in the Auto Scaling group ${now.autoScaling.group} (${now.autoScaling.lifecycleState}), which may terminate it`,
                      repairable: true,
                      opens: false,
                      trail: {
                          resource: now.autoScaling.group,
                          events: ["AttachInstances", "ExitStandby"],
                          service: "autoscaling" as const,
                      },
                  },
              ]),
    ];
}

/** Volumes and interfaces that came or went. Nobody but a person knows whether they should go back. */
export function attachmentDrifts(record: InstanceState, now: InstanceState): Drift[] {
    const lacks = <T>(from: T[], id: (each: T) => string, of: T[]) => from.map(id).filter((each) => !of.map(id).includes(each));
    const volumeOf = ({ volumeId }: InstanceState["volumes"][number]) => volumeId;
    const interfaceOf = ({ networkInterfaceId }: InstanceState["interfaces"][number]) => networkInterfaceId;
    const one = (id: string, what: string, ...events: string[]): Drift => ({
        key: `${id} ${what}`.slice(0, 256),
        what: `${id} ${what}`,
        repairable: false,
        opens: false,
        trail: underEc2(id, ...events),
    });
    return [
        ...lacks(record.volumes, volumeOf, now.volumes).map((id) => one(id, "is no longer attached", "DetachVolume")),
        ...lacks(now.volumes, volumeOf, record.volumes).map((id) => one(id, "was attached since", "AttachVolume")),
        ...lacks(record.interfaces, interfaceOf, now.interfaces).map((id) => one(id, "is no longer attached", "DetachNetworkInterface")),
    ];
}
