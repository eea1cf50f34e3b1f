/** Reading from an AWS that is busy, and all pages of a list. */
import { setTimeout } from "node:timers/promises";
import { isTransient } from "../errors";

/** Every item of every page. */
export async function collect<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
    const found: Item[] = [];
    for await (const page of pages) found.push(...(items(page) ?? []));
    return found;
}

/** Milliseconds that throttled reads are tried again. ELB refills its bucket of Describe calls by 10 a second: 300 target groups take half a minute. */
export const longestThrottling = 90_000;

/** Reads again while AWS is busy. @throws the error when the time is up, or any other at once */
export async function patient<T>(read: () => Promise<T>, deadline: number): Promise<T> {
    for (let pause = 300; ; pause = Math.min(pause * 2, 4000)) {
        try {
            return await read();
        } catch (error) {
            if (!isTransient(error) || Date.now() + pause > deadline) throw error;
            await setTimeout(pause * (0.5 + Math.random() / 2));
        }
    }
}
