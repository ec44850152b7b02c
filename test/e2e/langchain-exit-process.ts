/**
 * Loads tools of servers that work, are down and never answer, and closes them in several states. Prints as JSON the timers that
 * are left each time, and must exit by itself. The argument is the configuration of the bot as JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { clientSecret, ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';

interface Configuration {
  readonly idp: { readonly issuer: string; readonly clientId: string; readonly secret: string };
  readonly as: { readonly issuer: string; readonly clientId: string; readonly secret: string };
  /** By name: `works`, `down` and `hangs`. */
  readonly servers: Readonly<Record<string, string>>;
}

const { idp, as, servers } = JSON.parse(process.argv[2] ?? '') as Configuration;
const bot = new ServicePrincipal({
  idp: { issuer: idp.issuer, credential: clientSecret(idp) },
  retry: { retries: 0 },
  servers: Object.fromEntries(
    Object.entries(servers).map(([name, url]) => {
      const entry = { url, resource: url, issuer: as.issuer, credential: clientSecret(as), scopes: ['tools:read'] };
      return [name, entry] as const;
    }),
  ),
});
await bot.prepare();

const left: Record<string, readonly string[]> = {};
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout');

for (const sdk of ['v1', 'v2'] as const) {
  const options = { sdk, deadlineMs: 300, retry: { firstMs: 50, maxMs: 50 } };
  const connecting = await loadTools(bot, Object.keys(servers), options);
  await connecting.close();
  left[`${sdk}, while it connects in the background`] = timers();

  const twice = await loadTools(bot, ['works', 'down'], options);
  await Promise.all([twice.close(), twice.close()]);
  await twice.close();
  left[`${sdk}, twice`] = timers();

  const reloading = await loadTools(bot, Object.keys(servers), options);
  const reload = reloading.reload();
  await sleep(10);
  await reloading.close();
  await reload;
  left[`${sdk}, in the middle of a reload`] = timers();

  {
    await using tools = await loadTools(bot, ['works', 'down'], { ...options, deadlineMs: 30_000 });
    if (tools.tools.length === 0) throw new Error('no tools');
  }
  left[`${sdk}, by await using`] = timers();
}

// Not closed, but no attempt is under way: the timer of the next one must not keep the process running.
await loadTools(bot, ['down'], { retry: { firstMs: 60_000, maxMs: 60_000 } });
console.log(JSON.stringify(left));
