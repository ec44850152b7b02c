import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Peer, startPeer } from '../../../../test/support/peer.ts';
import { type Bot, startBot } from '../../test-support/bot.ts';
import type { RunId } from '../telemetry/run-id.ts';

describe('the header with the id of the run', () => {
  let peer: Peer;
  let bot: Bot;
  const sent: (string | undefined)[] = [];

  beforeAll(async () => {
    peer = await startPeer((request) => {
      sent.push(request.headers['credence-run']?.toString());
      return { body: {} };
    });
    const url = `${peer.origin}/mcp`;
    bot = await startBot({ world: { as: { resources: [url] } }, server: { url, resource: url } });
  });
  beforeEach(() => {
    sent.length = 0;
  });
  afterAll(async () => {
    await bot.close();
    await peer.close();
  });

  const headers = { 'Credence-Run': 'of-the-caller', 'content-type': 'application/json' };
  const requests: [string, (url: string) => [string | Request, RequestInit?]][] = [
    ['an init', (url) => [url, { method: 'POST', body: '{}', headers }]],
    ['a Request', (url) => [new Request(url, { method: 'POST', body: '{}', headers })]],
  ];
  const runs: [string, RunId | undefined, string | undefined][] = [
    ['replaced by the run', 'run-1', 'run-1'],
    ['removed if the function throws', () => Object(undefined).id.of, undefined],
    ['removed if the function returns undefined', () => undefined, undefined],
    ['removed if nothing of the result can be sent', () => '\r\n', undefined],
    ['sent if no run is given', undefined, 'of-the-caller'],
  ];
  it.each(requests.flatMap(([of, request]) => runs.map(([what, run, expected]) => [of, what, request, run, expected])))(
    'of %s is %s',
    async (_of, _what, request, run, expected) => {
      const [input, init] = (request as (typeof requests)[0][1])(`${peer.origin}/mcp`);
      const response = await bot.bot.fetchFor('mcp', { run: run as RunId | undefined })(input, init);
      expect(response.status).toBe(200);
      expect(sent).toEqual([expected]);
    },
  );
});
