-- SPDX-License-Identifier: Apache-2.0
-- A sample blog in MariaDB: 50,000 visits. No random numbers: every machine gets the same.
CREATE DATABASE blog CHARACTER SET utf8mb4;
USE blog;
SET NAMES utf8mb4;
SET time_zone = '+00:00';

CREATE TABLE visits (
    id int unsigned AUTO_INCREMENT PRIMARY KEY,
    page varchar(60) NOT NULL,
    visitor bigint unsigned NOT NULL COMMENT 'a hash: it may be above 2^63',
    came_back tinyint(1) NOT NULL,
    device enum('phone', 'tablet', 'desk, or lap') NOT NULL,
    stayed time(3) NOT NULL,
    referrer json,
    changed_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
) COMMENT = 'Who read what';

INSERT INTO visits (page, visitor, came_back, device, stayed, referrer, changed_at)
SELECT elt(1 + seq % 5, '/', '/größe', '/prices', '/about', '/🚢'),
       conv(left(md5(seq % 9000), 16), 16, 10),
       seq % 3 = 0,
       1 + seq % 3,
       sec_to_time(seq % 5000 / 7),
       if(seq % 4 = 0, NULL, json_object('site', concat('example', seq % 40, '.com'), 'rank', seq % 9)),
       TIMESTAMP'2024-01-01 00:00:00' + INTERVAL seq * 613000017 MICROSECOND
FROM seq_1_to_50000;
