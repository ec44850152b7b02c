import type { Contact, CredenceError } from '@credence/core';

const WHO: Readonly<Record<Contact, string>> = {
  you: 'whoever runs this agent',
  'idp-admin': "the identity provider's administrator",
  'server-owner': 'the owner of the server',
};

/** What a model reads in place of an answer: what happened, what to do and who can do it. None of it is a peer's text. */
export function refusalWords(error: CredenceError): string {
  return `${error.message} ${error.remedy} (Who can help: ${WHO[error.contact]}.)`;
}
