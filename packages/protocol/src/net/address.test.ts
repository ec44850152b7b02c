import { describe, expect, it } from '@jest/globals';
import { HOSTILE_HOSTS, PUBLIC_HOSTS } from '../../../../test/support/hostile-addresses.ts';
import { addressKind, type AddressKind, isAddress, isLoopback } from './address.ts';

/** The host as the URL parser writes it. */
const hostOf = (host: string) => new URL(`https://${host}/`).hostname;

describe('the kind of a host', () => {
  it.each(HOSTILE_HOSTS)('%s is not public', (host) => {
    expect(addressKind(hostOf(host))).not.toBe('public');
  });

  it.each(PUBLIC_HOSTS)('%s is public', (host) => {
    expect(addressKind(hostOf(host))).toBe('public');
  });

  it.each<[string, AddressKind]>([
    ['a.localhost', 'loopback'],
    ['[::ffff:127.0.0.1]', 'loopback'],
    ['[64:ff9b::127.0.0.1]', 'loopback'],
    ['100.64.0.1', 'private'],
    ['[fec0::1]', 'private'],
    ['[2002:a00:1::]', 'private'],
    ['wiki.internal', 'private'],
    ['169.254.169.254', 'link-local'],
    ['metadata.google.internal', 'link-local'],
    ['198.18.0.1', 'benchmarking'],
    ['224.0.0.1', 'reserved'],
    ['[::]', 'reserved'],
    ['[64:ff9b::240.0.0.1]', 'reserved'],
  ])('%s is %s', (host, kind) => {
    expect(addressKind(hostOf(host))).toBe(kind);
  });

  it.each<[string, AddressKind]>([
    ['::1', 'loopback'],
    ['fe80::1%eth0', 'link-local'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['2606:2:3:4:5:6:7:8', 'public'],
  ])('%s, in the notation of a resolver, is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });
});

it('isAddress is true for addresses and false for names', () => {
  expect(['10.0.0.1', '[::1]', '::1', '8.8.8.8'].filter(isAddress)).toHaveLength(4);
  expect(['localhost', 'as.example', '10.0.0.1.example'].filter(isAddress)).toEqual([]);
});

it.each([
  ['127.255.255.254', true],
  ['[::1]', true],
  ['localhost.', true],
  ['a.b.localhost', true],
  ['notlocalhost', false],
  ['1.127.0.0', false],
  ['[::2]', false],
])('isLoopback(%p) is %p', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
