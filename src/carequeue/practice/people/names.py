"""Names of the synthetic clients: the named cast, and pools from which the others are drawn.

Nobody in here is real. The variety is on purpose: what a list of names does to a screen is seen
only with long, joined, single, right-to-left and wide ones. Two names are hostile.
A pool is (families, women's and girls' names, men's and boys' names, family name first).
"""

from __future__ import annotations

from typing import Final, NamedTuple


class SyntheticClient(NamedTuple):
    """A client of the cast: FHIR gender and birth date; `family` may be empty."""

    family: str
    given: str
    gender: str
    born: str
    text: str = ""  # the name as it is written, where that is not given before family


#: The first clients of every clinic, by their place (Patient/client-0001 is the first).
CAST: Final = (
    SyntheticClient("Ruiz Ibarra", "Mateo", "male", "2010-06-02"),
    SyntheticClient("Adeyemi-Clarke", "Folasade", "female", "1986-02-17"),
    SyntheticClient("Sørensen", "Maja", "female", "1998-11-30"),
    SyntheticClient("O’Shaughnessy", "Niamh", "female", "1974-08-09"),
    SyntheticClient("Nguyễn", "Thị Hồng Hải", "female", "1991-01-25", "Nguyễn Thị Hồng Hải"),
    SyntheticClient("Begaye", "Jo", "other", "1983-05-14"),
    SyntheticClient("Santos de Oliveira Magalhães", "Ivete Aparecida", "female", "1967-03-03"),
    SyntheticClient("Kowalczyk", "Marta", "female", "1979-10-21"),
    SyntheticClient("Kowalczyk", "Maria", "female", "2003-04-11"),
    SyntheticClient("Warsame", "Abdirahman", "male", "1995-07-07"),
    SyntheticClient("山田", "太郎", "male", "1958-12-01", "山田 太郎"),
    SyntheticClient("王", "小明", "male", "1989-09-18", "王 小明"),
    SyntheticClient("حداد", "رامي", "male", "1992-02-02", "رامي حداد"),
    SyntheticClient("शर्मा", "अनिता", "female", "1970-06-23", "अनिता शर्मा"),
    SyntheticClient("Волкова", "Ирина", "female", "1964-01-12", "Ирина Волкова"),
    SyntheticClient("D'Angelo", "Pia", "female", "2001-08-28"),
    SyntheticClient("", "Wirawan", "male", "1977-11-05", "Wirawan"),
    SyntheticClient("Fontenot-Thibodeaux", "Luc", "male", "1969-04-30"),
    SyntheticClient("Trần", "Linh", "female", "1996-03-19", "Trần Linh"),
    SyntheticClient("Trần", "Loan", "female", "1961-09-09", "Trần Loan"),
    SyntheticClient("Park", "Min-jun", "male", "1999-12-24"),
    SyntheticClient("Nkosi", "Thandiwe", "female", "1981-07-16"),
    SyntheticClient("Quispe Mamani", "Killa", "female", "1993-05-05"),
    SyntheticClient("Xiong", "Pa Houa", "female", "2008-10-10"),
    SyntheticClient("O[/red]Brien", "Kit", "unknown", "1990-01-01"),
    SyntheticClient("Vega\x1b]52;c;aGVsbG8=\x07", "Sol\u202eadnoL", "unknown", "1988-02-29"),
    SyntheticClient(
        "Wolfeschlegelstein-Montgomery-Featherstone", "Alexandrina Bartholomea", "female",
        "1955-05-31",
    ),
    SyntheticClient("Kahananui-Keliʻi", "Leilani", "female", "1985-09-02"),
    SyntheticClient("Arceneaux", "Rémy", "male", "1972-06-18"),
    SyntheticClient("St. John", "Cy", "male", "2006-03-27"),
    SyntheticClient("Al-Masri", "Yara", "female", "1994-04-04"),
    SyntheticClient("van der Westhuizen", "Pieter", "male", "1949-02-08"),
)  # fmt: skip

Pool = tuple[str, str, str, bool]

POOLS: Final[tuple[Pool, ...]] = (
    (
        "Abbott Barlow Calloway Dunmore Eastman Farrow Garrity Hollis Ingram Jessup Kimball "
        "Lockhart Merritt Norwood Overton Prescott Ramsey Stanton Thackeray Underhill Vickers "
        "Whitlock Yardley",
        "Abigail Bonnie Charlotte Deborah Eleanor Frances Grace Hannah Isabel Joan Kathleen "
        "Lorraine Margaret Nora Opal Paula Rosalind Sylvia Theresa Winifred",
        "Albert Brandon Curtis Douglas Edwin Franklin Gerald Howard Isaac Jerome Kenneth Leonard "
        "Martin Nolan Oscar Peter Russell Stuart Theodore Walter",
        False,
    ),
    (
        "Jackson-Bell Freeman Washington Bright Coleman Okafor Mensah Diallo Achebe Banda Kamau "
        "Tesfaye Gebremariam Abubakar Owusu-Ansah",
        "Aaliyah Amara Ebony Imani Keisha Latoya Makena Nia Precious Selam Tanisha Zainab",
        "Andre Darnell Emeka Isaiah Jabari Kwame Malik Musa Reggie Terrence Tekle Yaw",
        False,
    ),
    (
        "Castellanos|Herrera Fuentes|Delgado|Montoya|Paredes Luna|Villanueva|Zamora de la Cruz|"
        "Echeverría|Muñoz|Iglesias Peña|Quiñones|Ybarra",
        "Alejandra Beatriz Consuelo Dolores Esperanza Guadalupe Inés Lucía Marisol Pilar Ximena",
        "Agustín Benito César Domingo Esteban Gilberto Ignacio Joaquín Ramón Tomás Vicente",
        False,
    ),
    (
        "Phạm Lê Hoàng Đặng Bùi Đỗ Ngô Dương Lý Võ",
        "Ánh|Bích Ngọc|Diễm|Hương|Kim Chi|Lan Anh|Mai|Phương|Thảo|Xuân",
        "An|Bảo|Cường|Đức|Hùng|Khoa|Long|Minh Tuấn|Quang|Sơn",
        True,
    ),
    ("李 张 刘 陈 杨 赵 黄 周", "丽 秀英 晓雯 雪梅 佳怡", "伟 建国 志强 子轩 浩然", True),
    ("佐藤 鈴木 高橋 田中 渡辺 伊藤", "花子 美咲 由美子 さくら", "健一 翔太 大輔 誠", True),
    ("김 이 박 최 정 강", "서연 지우 은주 하나", "민수 준호 현우 성진", True),
    ("الخطيب منصور درويش السيد قاسم", "ليلى مريم هدى نور", "أحمد كريم يوسف سامي", False),
    ("वर्मा गुप्ता पटेल सिंह यादव", "कविता सुनीता प्रिया राधा", "अमित राजेश विजय संजय", False),
    ("Павленко Шевченко Ткаченко", "Ольга Светлана Наталия", "Никита Олексій Пётр", False),
    (
        "Vang Yang Moua Lor Thao Her",
        "Mai|Kao Nou|Pa Nhia|Yer|Bao",
        "Chue|Tou Ger|Xeng|Fue|Neng",
        False,
    ),
    (
        "Hassan Farah Jama Omar Abdullahi Mohamud",
        "Fadumo Hodan Ifrah Sahra Ubah Hamdi",
        "Bashir Guled Idris Liban Yusuf Warsan",
        False,
    ),
    (
        "Lindqvist Virtanen Halvorsen Kjærgaard Ångström Järvinen Þórsdóttir",
        "Astrid Elín Ingrid Kaisa Sólveig Tuuli",
        "Anders Bjørn Eero Gunnar Kåre Søren",
        False,
    ),
    (
        "Smith-Okonkwo Garcia-Lindholm Hale-Yamamoto Brown-Two-Rivers Levy-Haddad "
        "Prince-Beauregard",
        "Brooke Dakota Jordan Morgan Quinn River",
        "Avery Casey Devon Logan Reese Skyler",
        False,
    ),
    (
        "O'Malley D'Souza M'Bala L'Heureux N'Diaye O'Donoghue-Reyes",
        "Aoife Colette Fatou Marguerite Siobhán",
        "Declan Étienne Mamadou Rory Théo",
        False,
    ),
    ("", "Sari Dewi Kirana Melati", "Budi Sukarno Eka Putra", False),
)


def words(text: str) -> list[str]:
    """The names of a pool; separated by bars where a name holds a space."""
    return text.split("|") if "|" in text else text.split()
