import type { Document } from './library.ts';

/** The handbook documents of Halden & Moor, an invented maker of weather stations. */
export const DOCUMENT_SEED: readonly Document[] = [
  {
    id: 'inventory-policy',
    title: 'Inventory policy',
    owner: 'mira',
    updatedOn: '2026-06-01',
    text: [
      'The shop stops taking orders for a product when its stock reaches zero.',
      'A product is reordered when fewer than ten are left.',
      'Returned units are inspected by the workshop before they are counted as stock again.',
    ].join('\n'),
  },
  {
    id: 'release-checklist',
    title: 'Firmware release checklist',
    owner: 'tove',
    updatedOn: '2026-09-22',
    text: [
      'Run the cold chamber test at -20 °C for two hours; no reading may be discarded by hand.',
      'Change the battery twice and compare the calibration before and after.',
      'Ship to ten friendly customers first and wait for three days.',
    ].join('\n'),
  },
  {
    id: 'weekly-report',
    title: 'How the weekly report is written',
    owner: 'jonas',
    updatedOn: '2026-10-12',
    text: [
      'The report goes out on Friday at noon.',
      'It has three parts: what customers told us, which high priority issues moved, and what is nearly out of stock.',
      'Numbers come from the sales database, never from memory.',
    ].join('\n'),
  },
  {
    id: 'oncall',
    title: 'Who answers when a customer calls',
    owner: 'ingrid',
    updatedOn: '2026-11-02',
    text: [
      'Rescue services and ports are answered within one hour, day and night.',
      'Everybody else is answered on the next working day.',
      'A false alarm at a customer is a high priority issue, always.',
    ].join('\n'),
  },
];
