/** Brings about in a running local AWS what other services and people do and LocalEmu has no API for: localemu-plugin/clean_room_localemu/circumstances.py. */

export type Circumstance = { accountId: string; region: string } & (
    | { kind: "shareSubnet"; subnetId: string; withAccountId: string }
    | { kind: "branchInterface"; instanceId: string; subnetId: string; groupIds: string[]; tags?: Record<string, string> }
    | { kind: "marketplaceCode"; volumeId: string; code: string }
    /** `state` such as Pending:Wait or Warmed:Stopped; `then` (InService) follows after so many seconds, never without them. */
    | { kind: "lifecycleState"; instanceId: string; state: string; seconds?: number; then?: string }
    | { kind: "snapshotsPending"; count: number; seconds: number }
    | { kind: "organization"; organizationId: string }
    /** For the functions of every account, until it is said anew. */
    | { kind: "later"; seconds: number }
    /** `value` null: AWS's default. */
    | { kind: "serviceQuota"; service: string; quota: string; value: number | null }
    | { kind: "stackInstances"; name: string; instances: { accountId: string; region: string; status: string }[] }
);

/** @returns what the circumstance made, such as {networkInterfaceId}. @throws Error when it cannot be brought about. */
export async function bringAbout(endpoint: string, circumstance: Circumstance): Promise<Record<string, string>> {
    const response = await fetch(`${endpoint}/_localemu/clean-room/circumstances`, { method: "POST", body: JSON.stringify(circumstance) });
    const answer = (await response.json()) as Record<string, string>;
    if (!response.ok) throw new Error(`${circumstance.kind}: ${answer.error}`);
    return answer;
}
