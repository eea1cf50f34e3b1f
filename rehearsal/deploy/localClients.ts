/**
 * AWS SDK clients of the local AWS. A 12-digit access key is the root key of the account with that number, so one
 * process can act as the owner of every account of the rehearsal, as an operator with several profiles would.
 */

/** An account and a Region: where a resource lives and a call goes. */
export interface Target {
    accountId: string;
    region: string;
}

interface LocalClientSettings {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    maxAttempts: number;
}
type ClientClass<C> = new (settings: LocalClientSettings) => C;

/** Gives the client of one service in one account and Region. */
export type LocalClients = <C>(Client: ClientClass<C>, target: Target) => C;

/** Clients of the local AWS at `endpoint`, each made once and kept. */
export function localClients(endpoint: string): LocalClients {
    const clients = new Map<string, unknown>();
    return <C>(Client: ClientClass<C>, { accountId, region }: Target): C => {
        const key = `${Client.name}/${accountId}/${region}`;
        let client = clients.get(key) as C | undefined;
        if (!client) {
            client = new Client({
                endpoint,
                region,
                credentials: { accessKeyId: accountId, secretAccessKey: "rehearsal" },
                maxAttempts: 3,
            });
            clients.set(key, client);
        }
        return client;
    };
}
