/** The instance that an incident is about, with clients in its account: what every call about it needs, in one hand. */
import type { InstanceRef } from "../domain/containers";
import { memberClient, type ClientClass } from "./clients";

export interface Victim {
    readonly ref: InstanceRef;
    readonly incidentId: string;
    /** A client in the instance's account and Region, as its responder role; its session is named after the incident. */
    client<C>(Client: ClientClass<C>): C;
}

export function victimOf(ref: InstanceRef, incidentId: string): Victim {
    return { ref, incidentId, client: (Client) => memberClient(Client, ref, incidentId) };
}
