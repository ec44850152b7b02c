import { type Contact, ERROR_CODES } from '@credence/core';
import { cleanText } from '@credence/protocol';
import type { ServerFailure } from '../loaded-tools.ts';

const WHO: Readonly<Record<Contact, string>> = {
  you: 'the operator of this agent',
  'idp-admin': "the identity provider's administrator",
  'server-owner': 'the owner of the server',
};

/**
 * The failures as a text for a model. It contains the names of the configuration and fixed sentences, and no word of a server or an
 * IdP.
 */
export function failuresAsText(failures: readonly ServerFailure[]): string {
  if (failures.length === 0) return '';
  const lines = failures.map(({ server, error: { code, contact }, loaded }) => {
    const what = loaded === 0 ? 'its tools are missing' : 'some of its tools may be missing';
    return `- "${cleanText(server, { max: 120 })}": ${what} (${ERROR_CODES[code].meaning}). Who can help: ${WHO[contact]}.`;
  });
  return [
    'Tools of these servers are missing at present. Do the rest of the task without them, and say whom to ask.',
    ...lines,
  ].join('\n');
}
