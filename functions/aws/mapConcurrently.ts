/** Like `Promise.all(items.map(f))` with at most `limit` at a time: AWS throttles, sockets are finite. */
export async function mapConcurrently<Item, Result>(
    items: readonly Item[],
    limit: number,
    f: (item: Item) => Promise<Result>,
): Promise<Result[]> {
    const results = new Array<Result>(items.length);
    let next = 0;
    await Promise.all(
        Array.from({ length: Math.min(limit, items.length) }, async () => {
            for (let index = next++; index < items.length; index = next++) results[index] = await f(items[index]!);
        }),
    );
    return results;
}
