/* oxlint-disable no-console -- an example for readers */
import { startSandbox } from '../start-sandbox.ts';
import { oauthBot, refusal } from './oauth-bot.ts';

/** The README's example, with a bot of our own between its lines. */
export async function readmeExample() {
  const runMyBot = (sandbox: Awaited<ReturnType<typeof startSandbox>>) =>
    oauthBot(sandbox, 'reporting-bot').accessToken('documents');

  // #region readme
  const sandbox = await startSandbox();
  const bot = sandbox.principals['reporting-bot']; // its key, its client ids and secrets, and CREDENCE_* in bot.env
  const { url, issuer, clientId } = bot.servers.documents; // what a bot is configured with

  await runMyBot(sandbox);
  console.log(sandbox.audit.records.map((record) => record.reason));
  console.log(sandbox.idp.requests.token, sandbox.servers.documents.requests.toolCalls);

  sandbox.policy.pauseServer('documents'); // the next exchange is denied
  sandbox.authorizationServers.main.revokeTokens({ principal: 'reporting-bot' }); // and tokens that are out are dead
  await sandbox.idp.rotateSigningKey();
  // #endregion

  await refusal(runMyBot(sandbox));
  const last = sandbox.audit.records.at(-1);
  await sandbox.close();
  return { ...last, url, issuer, clientId };
}
