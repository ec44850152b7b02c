import { afterEach, describe, expect, it } from '@jest/globals';
import { editMembers, say } from '../../../../test/support/oauth-world.ts';
import { type Bot, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { VENDOR_ANSWERS } from '../../test-support/vendor-answers.ts';

let running: Bot | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe('a recorded vendor answer', () => {
  it.each(VENDOR_ANSWERS.map((recorded) => [recorded.vendor, recorded.kind, recorded.what, recorded] as const))(
    '%s, %s: %s',
    async (_vendor, kind, _what, { leg, answer, becomes }) => {
      running = await startBot({ principal: { retry: { retries: 1, minDelayMs: 1, maxDelayMs: 1 } } });
      const { world, bot } = running;
      const members = 'members' in answer ? answer.members : undefined;
      const vendorAnswer = 'members' in answer ? editMembers(answer.members) : say(answer);
      const scope = members?.['scope'];
      // The ID-JAG must contain the same scopes as the response of the vendor.
      if (leg === 'exchange' && typeof scope === 'string') world.idp.setPolicy(() => scope.split(' '));
      if (leg === 'redeem') world.as.script.always('redeem', vendorAnswer);
      else world.idp.script.always(leg, vendorAnswer);

      if (kind === 'success') {
        const token = await bot.token('mcp');
        expect(world.as.verify(token.value)).toBeDefined();
        expect(token).toMatchObject(becomes);
        return;
      }
      const error = await refusalOf(bot.token('mcp'));
      expect(error).toMatchObject(becomes);
      expect(error.message).not.toBe('');
      expect(error.remedy).not.toBe('');
      expect(JSON.stringify(error)).not.toMatch(/\\[rn]/u);
    },
  );

  it('exists for each vendor in each of the kinds success, denial and malformed', () => {
    for (const vendor of ['C1', 'Okta', 'Entra', 'Keycloak']) {
      const kinds = VENDOR_ANSWERS.filter((recorded) => recorded.vendor === vendor).map(({ kind }) => kind);
      expect(new Set(kinds)).toEqual(new Set(['success', 'denial', 'malformed']));
    }
  });
});
